# How connections end, seen by both ends: once straight to the server, once through the door. Prints both, scenario by scenario.
import errno
import hashlib
import json
import socket
import struct
import sys
import threading
import time

PATIENCE = 10
MIB = 1 << 20


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def bytes_of(seed, size):
    block = hashlib.sha256(str(seed).encode()).digest() * 2048
    return (block * (size // len(block) + 1))[:size]


def read_all(sock):
    """Everything until the end, and what the end was."""
    digest, size = hashlib.sha256(), 0
    while True:
        try:
            data = sock.recv(65536)
        except OSError as error:
            return [size, digest.hexdigest()[:16], errno.errorcode.get(error.errno, "timeout")]
        if not data:
            return [size, digest.hexdigest()[:16], "end"]
        digest.update(data)
        size += len(data)


def read_exactly(sock, size):
    digest, left = hashlib.sha256(), size
    while left:
        data = sock.recv(min(left, 65536))
        if not data:
            return [size - left, "short"]
        digest.update(data)
        left -= len(data)
    return [size, digest.hexdigest()[:16]]


def write_until_refused(sock):
    """Some writes go into buffers first; what counts is that it ends, and how."""
    try:
        for _ in range(1000):
            sock.sendall(b"x" * 1000)
            time.sleep(0.01)
        return "never refused"
    except OSError as error:
        return "refused" if error.errno in (errno.EPIPE, errno.ECONNRESET) else errno.errorcode[error.errno]



def client_ends_first():
    def client(sock):
        sock.sendall(bytes_of(1, 100_000))
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)

    def server(sock):
        got = read_all(sock)
        sock.sendall(bytes_of(2, 3 * MIB))
        return got
    return client, server


def server_ends_first():
    def client(sock):
        got = read_all(sock)
        sock.sendall(bytes_of(3, 3 * MIB))
        return got

    def server(sock):
        sock.sendall(bytes_of(4, 70_000))
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)
    return client, server


def both_end_at_once():
    def either(seed):
        def end(sock):
            sock.sendall(bytes_of(seed, 5000))
            sock.shutdown(socket.SHUT_WR)
            return read_all(sock)
        return end
    return either(5), either(6)


def nothing_is_said():
    return lambda sock: [sock.shutdown(socket.SHUT_WR), read_all(sock)], lambda sock: read_all(sock)


def tail_before_the_end():
    """The reader begins late; nothing of the tail may be missing (dp-fin-overtakes-queued-data)."""
    def client(sock):
        sock.sendall(bytes_of(7, MIB))
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)

    def server(sock):
        time.sleep(0.1)
        return read_all(sock)
    return client, server


def client_resets():
    def client(sock):
        sock.sendall(b"hello")
        got = read_exactly(sock, 5)
        reset(sock)
        return got

    def server(sock):
        sock.sendall(bytes(read_exactly(sock, 5)[0]))
        return read_all(sock)
    return client, server


def server_resets():
    client, server = client_resets()
    return server, client


def client_closes_unread():
    def client(sock):
        time.sleep(0.2)
        sock.close()
        return "closed with bytes unread"

    def server(sock):
        sock.sendall(b"never read")
        return read_all(sock)
    return client, server


def server_closes_unread():
    """An answer, then a close although the request was not read: the client has the answer, then the reset."""
    def client(sock):
        sock.sendall(b"y" * 5000)
        time.sleep(0.5)
        return read_all(sock)

    def server(sock):
        sock.recv(100)
        time.sleep(0.1)
        sock.sendall(bytes_of(8, 20_000))
        time.sleep(0.1)
        sock.close()
        return "closed with bytes unread"
    return client, server


def server_has_gone():
    def client(sock):
        got = read_all(sock)
        return [got, write_until_refused(sock)]

    def server(sock):
        sock.sendall(b"bye")
        sock.close()
        return "closed"
    return client, server


def client_has_gone():
    client, server = server_has_gone()
    return server, client


def reset_while_blocked():
    """The client dies while the server does not read and every buffer is full: the server hears of it all the same."""
    def client(sock):
        sock.setblocking(False)
        try:
            while True:
                sock.send(b"z" * 65536)
        except BlockingIOError:
            pass
        time.sleep(0.3)
        reset(sock)
        return "reset"

    def server(sock):
        time.sleep(1)
        return read_all(sock)[2]
    return client, server


SCENARIOS = [client_ends_first, server_ends_first, both_end_at_once, nothing_is_said, tail_before_the_end, client_resets, server_resets,
             client_closes_unread, server_closes_unread, server_has_gone, client_has_gone, reset_while_blocked]


def run(listener, target, make):
    client, server = make()
    seen = {}

    def serve():
        sock, _ = listener.accept()
        sock.settimeout(PATIENCE)
        with sock:
            seen["server"] = server(sock)

    thread = threading.Thread(target=serve)
    thread.start()
    with socket.create_connection(target, PATIENCE) as sock:
        seen["client"] = client(sock)
    thread.join()
    return seen


host = json.loads(sys.argv[1])["host"]
listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
listener.settimeout(PATIENCE)
server_port = listener.getsockname()[1]
print(json.dumps({"port": server_port}), flush=True)
door_port = int(sys.stdin.readline())
for make in SCENARIOS:
    print(json.dumps({"scenario": make.__name__, "straight": run(listener, (host, server_port), make), "door": run(listener, (host, door_port), make)}))
