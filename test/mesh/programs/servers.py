# SPDX-License-Identifier: Apache-2.0
"""Endpoints of a test: each says its name to whoever connects, and answers datagrams with it.

{"tcp": [[name, host, port], ...], "udp": [...]}. A line "stop NAME" closes one, "start NAME" opens it again, "reset NAME" lets it
reset each connection that it has accepted, until it is told so again; "quit" ends all.
"""
import json, select, socket, struct, sys

args = json.loads(sys.argv[1])
known = {name: (kind, host, port) for kind in ("tcp", "udp") for name, host, port in args.get(kind, [])}
open_, clients, resets = {}, set(), set()


def start(name):
    kind, host, port = known[name]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, port))
    if kind == "tcp":
        s.listen(4096)
    s.setblocking(False)
    open_[name] = s


for name in known:
    start(name)
print(json.dumps({"ready": len(open_)}), flush=True)
while True:
    names = {s: name for name, s in open_.items()}
    ready, _, _ = select.select([sys.stdin, *names, *clients], [], [], 60)
    if not ready:
        sys.exit("nothing to do for too long")
    for s in ready:
        if s is sys.stdin:
            word, _, name = sys.stdin.readline().strip().partition(" ")
            if word in ("", "quit"):
                sys.exit(0)
            if word == "stop":
                open_.pop(name).close()
            elif word == "reset":
                resets ^= {name}
            else:
                start(name)
            print(json.dumps({word: name}), flush=True)
        elif s in clients:
            try:
                if s.recv(4096):
                    continue
            except OSError:
                pass
            clients.discard(s)
            s.close()
        elif known[names[s]][0] == "tcp":
            while True:
                try:
                    client, _ = s.accept()
                except OSError:
                    break
                if names[s] in resets:
                    # So that it is a reset of an open connection, and not one of the handshake.
                    client.recv(1)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.close()
                    continue
                client.send(names[s].encode())
                client.setblocking(False)
                clients.add(client)
        else:
            try:
                _, sender = s.recvfrom(4096)
                s.sendto(names[s].encode(), sender)
            except OSError:
                pass
