# Many connections at once, both directions at once, in mixed sizes and paces; every byte is compared by hash.
# In one process, or as the server and the client of two network namespaces.
import hashlib
import json
import random
import socket
import sys
import threading
import time

PATIENCE = 60


def plan(seed):
    rng = random.Random(seed)
    return [rng.choice([1, 2, 7, 64, 999, 1448, 4096, 65535, 65536, 65537, 200_000]) for _ in range(rng.randrange(1, 60))], rng


def send(sock, seed):
    sizes, rng = plan(seed)
    digest = hashlib.sha256()
    for size in sizes:
        data = rng.randbytes(size)
        digest.update(data)
        sock.sendall(data)
        if rng.random() < 0.2:
            time.sleep(rng.random() * 0.01)
    sock.shutdown(socket.SHUT_WR)
    return digest.hexdigest()


def receive(sock, seed):
    rng, digest = random.Random(seed), hashlib.sha256()
    while True:
        data = sock.recv(rng.choice([1, 100, 4096, 65536, 300_000]))
        if not data:
            return digest.hexdigest()
        digest.update(data)
        if rng.random() < 0.02:
            time.sleep(rng.random() * 0.01)


def both(sock, sends, receives, into):
    sock.settimeout(PATIENCE)
    if random.Random(sends).random() < 0.3:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    writer = threading.Thread(target=lambda: into.__setitem__(("sent", sends), send(sock, sends)))
    writer.start()
    into[("got", receives)] = receive(sock, receives)
    writer.join()
    sock.close()


options = json.loads(sys.argv[1])
count, seed = options["connections"], options["seed"]
results = {}
threads = []


def serve(listener):
    for _ in range(count):
        sock, _ = listener.accept()
        # Which connection it is, is its first message.
        number = int.from_bytes(sock.recv(4, socket.MSG_WAITALL), "big")
        threads.append(threading.Thread(target=both, args=(sock, seed + 2 * number + 1, seed + 2 * number, results)))
        threads[-1].start()


def call(door, number):
    sock = socket.create_connection(door, PATIENCE)
    sock.sendall(number.to_bytes(4, "big"))
    both(sock, seed + 2 * number, seed + 2 * number + 1, results)


if "serve" in options:
    host, port = options["serve"]
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=count)
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    accepting = threading.Thread(target=serve, args=(listener,))
    accepting.start()
if "call" in options:
    # Port 0: it is told.
    host, port = options["call"]
    door = (host, port or int(sys.stdin.readline()))
    callers = [threading.Thread(target=call, args=(door, number)) for number in range(count)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
if "serve" in options:
    accepting.join()
for thread in threads:
    thread.join()
print(json.dumps({"hashes": {f"{what} {flow}": digest for (what, flow), digest in results.items()}}))
