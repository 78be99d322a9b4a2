"""UDP clients that stay. For each line on standard input every one sends a datagram and reports who answered.

Options: port, host, clients. Reports {"ready"}, then {"answers": [...]}, "" for none within a second.
"""
import json, socket, sys

options = {"port": 8080, "host": "127.0.0.1", "clients": 100}
options.update(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
clients = []
for _ in range(options["clients"]):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(1)
    sock.bind(("127.0.0.1", 0))
    clients.append(sock)


def ask(sock):
    sock.sendto(b"x", (options["host"], options["port"]))
    try:
        return sock.recv(100).decode()
    except socket.timeout:
        return ""


print(json.dumps({"ready": True}), flush=True)
for _ in sys.stdin:
    print(json.dumps({"answers": [ask(sock) for sock in clients]}), flush=True)
