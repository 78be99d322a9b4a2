# Traffic that goes on until stdin says so: connections that stay, and new ones all the time; every byte is compared.
# steady.py '{"door": [host, port], "stay": 8, "callers": 4}'. Reports {"port": of its server}, a line for each word on stdin, and its end.
import json
import random
import socket
import sys
import threading
import time

PATIENCE = 20
options = json.loads(sys.argv[1])
stopping = threading.Event()
lock = threading.Lock()
seen = {"rounds": 0, "calls": 0, "lost": 0, "refused": 0, "reset": 0, "differ": 0, "other": []}


def note(**more):
    with lock:
        for key, value in more.items():
            seen[key] += value


def failed(error):
    if isinstance(error, ConnectionRefusedError):
        note(refused=1)
    elif isinstance(error, (ConnectionResetError, BrokenPipeError)):
        note(reset=1)
    else:
        note(other=[repr(error)])


def echo(sock):
    with sock:
        try:
            while data := sock.recv(65536):
                sock.sendall(data)
        except OSError:
            pass


def serve(listener):
    while True:
        threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()


def exchange(sock, rng):
    data = rng.randbytes(rng.choice([1, 100, 4096, 70_000]))
    writer = threading.Thread(target=sock.sendall, args=(data,))
    writer.start()
    got = bytearray()
    while len(got) < len(data):
        part = sock.recv(65536)
        if not part:
            raise ConnectionResetError("it ended too early")
        got += part
    writer.join()
    note(differ=got != data)


def called():
    sock = socket.create_connection(tuple(options["door"]), PATIENCE)
    sock.settimeout(PATIENCE)
    return sock


def stay(seed):
    rng = random.Random(seed)
    try:
        with called() as sock:
            while not stopping.is_set():
                exchange(sock, rng)
                note(rounds=1)
                time.sleep(0.002)
    except OSError as error:
        note(lost=1)
        failed(error)


def call(seed):
    rng = random.Random(seed)
    while not stopping.is_set():
        try:
            with called() as sock:
                exchange(sock, rng)
            note(calls=1)
        except OSError as error:
            failed(error)
            time.sleep(0.01)


def report():
    with lock:
        print(json.dumps(seen), flush=True)


listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
threading.Thread(target=serve, args=(listener,), daemon=True).start()
print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
sys.stdin.readline()
threads = [threading.Thread(target=stay, args=(number,)) for number in range(options["stay"])]
threads += [threading.Thread(target=call, args=(1000 + number,)) for number in range(options["callers"])]
for thread in threads:
    thread.start()
for _ in sys.stdin:
    report()
stopping.set()
for thread in threads:
    thread.join()
report()
