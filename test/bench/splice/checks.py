# SPDX-License-Identifier: Apache-2.0
"""What becomes of bytes and ends behind a proxy. `checks.py server PORT` is the backend; `checks.py client HOST PORT` goes through the
proxy to it, and prints one JSON object: of each check how many rounds were wrong, and what was seen. Sizes in bytes."""
import errno
import hashlib
import json
import random
import socket
import struct
import sys
import threading
import time

PATIENCE_S = 3
STALLED_S = 1
MOST_UNREAD = 192 << 20
BLOCK = bytes(range(256)) * 256


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def payload(size):
    return (BLOCK * (size // len(BLOCK) + 1))[:size]


def read_all(sock):
    """Everything up to the end, and what the end was."""
    parts = []
    while True:
        try:
            part = sock.recv(1 << 16)
        except OSError as error:
            return b"".join(parts), errno.errorcode.get(error.errno, "hangs")
        if not part:
            return b"".join(parts), "end"
        parts.append(part)


def read_exactly(sock, size):
    parts = b""
    while len(parts) < size:
        part = sock.recv(size - len(parts))
        if not part:
            raise OSError(errno.EPIPE, "the end came early")
        parts += part
    return parts


def read_line(sock):
    line = b""
    while not line.endswith(b"\n"):
        line += read_exactly(sock, 1)
    return line.decode().split()


def write_until_stalled(sock):
    sock.settimeout(STALLED_S)
    taken = 0
    try:
        while taken < MOST_UNREAD:
            taken += sock.send(BLOCK)
    except TimeoutError:
        pass
    return taken


class Backend(threading.Thread):
    kept = {}

    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sock = sock
        sock.settimeout(PATIENCE_S)

    def run(self):
        try:
            kind, *words = read_line(self.sock)
            getattr(self, kind)(*map(int, words))
        except OSError:
            pass
        self.sock.close()

    def ask(self, size):
        """So many bytes come, then the end; so many go back, then the end."""
        self.sock.sendall(b"\n")
        data, end = read_all(self.sock)
        self.sock.sendall(hashlib.sha256(data).digest() + end.encode().ljust(10) + payload(size))

    def echo(self, rounds, size):
        for _ in range(rounds):
            self.sock.sendall(read_exactly(self.sock, size))
        read_all(self.sock)

    def mixed(self, size):
        """Small and large answers in turn, without waiting."""
        for length in range(1, size, 997):
            self.sock.sendall(payload(length))

    def cut(self, size):
        self.sock.sendall(payload(size))
        time.sleep(0.3)
        reset(self.sock)

    def silent(self, seconds):
        time.sleep(seconds)

    def pour(self, name):
        Backend.kept[name] = write_until_stalled(self.sock)

    def hear(self, name):
        Backend.kept[name] = read_all(self.sock)[1]

    def tell(self, name):
        self.sock.sendall(f"{Backend.kept.get(name, 'nothing')}\n".encode())


def serve(port):
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    print(json.dumps({"ready": True}), flush=True)
    threading.Thread(target=lambda: [Backend(listener.accept()[0]).start() for _ in iter(int, 1)], daemon=True).start()
    sys.stdin.read()


class Client:
    def __init__(self, host, port):
        self.at = (host, port)

    def call(self, line):
        sock = socket.create_connection(self.at, timeout=PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(line.encode() + b"\n")
        return sock

    def end_with_data(self, size, early):
        """The last bytes and the end of the stream leave together: after a first answer, or as soon as it is connected."""
        sock, data = self.call(f"ask {size}"), payload(size)
        if not early:
            read_exactly(sock, 1)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        answer, end = read_all(sock)
        answer = answer[early:]
        right = hashlib.sha256(data).digest() + b"end".ljust(10) + data
        return "" if answer == right and end == "end" else f"{len(answer)} of {len(right)} bytes, {end}" + ("" if answer[:32] == right[:32] else ", the backend has read something else")

    def echo(self, size):
        sock, rounds = self.call(f"echo 50 {size}"), 50
        for turn in range(rounds):
            sent = random.randbytes(size)
            sock.sendall(sent)
            if read_exactly(sock, size) != sent:
                return f"the answer {turn} is another"
        sock.close()
        return ""

    def mixed(self, size):
        answer, end = read_all(self.call(f"mixed {size}"))
        right = b"".join(payload(length) for length in range(1, size, 997))
        return "" if answer == right and end == "end" else f"{len(answer)} of {len(right)} bytes, {end}, {'in order' if right.startswith(answer) else 'out of order'}"

    def backend_resets(self):
        got, end = read_all(self.call("cut 1000"))
        return "" if len(got) == 1000 and end == "ECONNRESET" else f"{len(got)} of 1000 bytes, {end}"

    def told(self, name):
        """What the backend found out on another connection; it may take until it knows."""
        for _ in range(300):
            time.sleep(STALLED_S / 10)
            try:
                told = read_line(self.call(f"tell {name}"))[0]
            except OSError:
                continue  # the end overtook the answer
            if told != "nothing":
                return told
        return "nothing"

    def client_resets(self):
        name = random.randrange(2, 1 << 30)
        sock = self.call(f"hear {name}")
        time.sleep(0.05)
        reset(sock)
        seen = self.told(name)
        return "" if seen == "ECONNRESET" else f"the backend saw {seen}"

    def backend_does_not_read(self):
        sock = self.call("silent 30")
        return write_until_stalled(sock), sock

    def client_does_not_read(self):
        sock = self.call("pour 1")
        return int(self.told(1)), sock


def rounds(count, check, *args):
    wrong = {}
    for _ in range(count):
        try:
            seen = check(*args)
        except OSError as error:
            seen = errno.errorcode.get(error.errno, "hangs")
        if seen:
            wrong[seen] = wrong.get(seen, 0) + 1
    return {"rounds": count, "wrong": sum(wrong.values()), "seen": wrong}


def unread(check):
    taken, sock = check()
    reset(sock)
    time.sleep(1)
    return {"taken": taken, "stopped": 0 <= taken < MOST_UNREAD}


def ask(host, port):
    client = Client(host, port)
    print(json.dumps({
        "echo 64 B": rounds(20, client.echo, 64),
        "echo 20 kB": rounds(20, client.echo, 20_000),
        "early, end with 100 B": rounds(100, client.end_with_data, 100, True),
        "early, end with 1 MB": rounds(10, client.end_with_data, 1_000_000, True),
        "end with 100 B": rounds(100, client.end_with_data, 100, False),
        "end with 1 MB": rounds(10, client.end_with_data, 1_000_000, False),
        "answers of all sizes": rounds(5, client.mixed, 100_000),
        "the backend resets": rounds(10, client.backend_resets),
        "the client resets": rounds(10, client.client_resets),
        "the backend does not read": unread(client.backend_does_not_read),
        "the client does not read": unread(client.client_does_not_read),
    }))


if sys.argv[1] == "server":
    serve(int(sys.argv[2]))
else:
    ask(sys.argv[2], int(sys.argv[3]))
