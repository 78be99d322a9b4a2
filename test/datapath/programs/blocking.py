# SPDX-License-Identifier: Apache-2.0
"""Programs that use blocking sockets must not notice anything. Prints what each of them sees."""
import array, ctypes, fcntl, hashlib, os, random, signal, socket, termios, threading, time
import nb

LIBC = ctypes.CDLL(None, use_errno=True)


def pair():
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    listener.close()
    return client, server


def echo():
    """Random sizes against a thread that hashes what it reads."""
    good = 0
    for _ in range(5):
        client, server = pair()
        seen = []

        def serve():
            digest = hashlib.sha256()
            while some := server.recv(65536):
                digest.update(some)
            server.sendall(digest.digest())
            seen.append(digest.hexdigest())

        thread = threading.Thread(target=serve)
        thread.start()
        digest = hashlib.sha256()
        for _ in range(200):
            data = nb.RANDOM.randbytes(nb.RANDOM.choice([1, 7, 64, 1000, 4096, 16384, 70000]))
            client.sendall(data)
            digest.update(data)
        client.shutdown(socket.SHUT_WR)
        answer = client.recv(100)
        thread.join()
        good += answer == digest.digest() and seen == [digest.hexdigest()]
    return good


def slow_reader():
    client, server = pair()
    client.settimeout(0.3)
    sent = 0
    try:
        while sent < 64 << 20:
            sent += client.send(b"x" * 65536)
    except TimeoutError:
        pass
    server.settimeout(2)
    got = 0
    while got < sent:
        got += len(server.recv(1 << 20))
    return [sent < 16 << 20, got == sent]


def half_close():
    answers = []
    for delay in (0.0, 0.2):
        client, server = pair()

        def serve():
            while server.recv(65536):
                pass
            time.sleep(delay)
            server.sendall(b"reply")
            server.close()

        thread = threading.Thread(target=serve)
        thread.start()
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        answers.append(client.recv(10).decode())
        thread.join()
    return answers


def receive_calls():
    client, server = pair()
    client.sendall(b"x" * 1000)
    time.sleep(0.05)
    seen = [nb.unread(server), len(server.recv(2000, socket.MSG_PEEK))]
    r, w = os.pipe()
    seen.append(LIBC.splice(server.fileno(), None, w, None, 4096, 2))

    def later():
        time.sleep(0.1)
        client.sendall(b"b" * 500)

    client.sendall(b"a" * 500)
    thread = threading.Thread(target=later)
    thread.start()
    seen.append(len(server.recv(1000, socket.MSG_WAITALL)))
    thread.join()
    client.send(b"!", socket.MSG_OOB)
    time.sleep(0.05)
    seen.append(server.recv(1, socket.MSG_OOB).decode())
    client.sendall(b"z" * 2000)
    time.sleep(0.05)
    seen.append(len(server.recv(100)))
    server.close()
    time.sleep(0.05)
    seen.append(nb.error_of(lambda: client.recv(10)))
    return seen


def signal_restart():
    client, server = pair()
    server.send(b"a")
    client.recv(1)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.siginterrupt(signal.SIGALRM, False)
    threading.Timer(0.5, lambda: server.send(b"zz")).start()
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    return LIBC.recv(client.fileno(), ctypes.create_string_buffer(10), 10, 0)


nb.report(echo=echo(), slow_reader=slow_reader(), half_close=half_close(), receive_calls=receive_calls(),
          signal_restart=signal_restart())
