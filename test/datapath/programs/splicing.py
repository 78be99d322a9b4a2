# SPDX-License-Identifier: Apache-2.0
"""A server that moves bytes on with splice(2): from its first read, or after it has read plainly for a while.

mode first: reads with splice only. mode late: plain reads, then the test says go, then bytes arrive and splice takes them.
"""
import os, select, time
import nb


def splice(s, w, seconds=3.0):
    """Bytes that splice got before anything ended it, what ended it, and after how long."""
    began, got = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        try:
            n = os.splice(s.fileno(), w, 65536, flags=os.SPLICE_F_NONBLOCK)
        except BlockingIOError:
            time.sleep(0.01)
            continue
        except OSError as error:
            return {"got": got, "ended": nb.errno.errorcode[error.errno], "after": time.monotonic() - began}
        if n == 0:
            return {"got": got, "ended": "EOF", "after": time.monotonic() - began}
        got += n
        os.read(r, n)
    return {"got": got, "ended": "deadline", "after": seconds}


r, w = os.pipe()
listener = nb.listen()


def connection():
    client = nb.connect(listener.getsockname())
    return client, nb.accept(listener)


def turns(client, server, count):
    for _ in range(count):
        for a, b in ((client, server), (server, client)):
            nb.send_all(a, b"x" * 100)
            nb.recv_exactly(b, 100)


if nb.option("mode", "first") == "first":
    results = []
    for _ in range(5):
        client, server = connection()
        nb.send_all(client, b"y" * 50000)
        client.shutdown(nb.socket.SHUT_WR)
        results.append(splice(server, w))
    nb.report(results=results)
else:
    client, server = connection()
    turns(client, server, 5)
    nb.report(ready=True)
    nb.word()
    turns(client, server, 20)
    nb.send_all(client, b"z" * 50)
    select.select([server], [], [], 1)
    outcome = splice(server, w)
    try:
        peer = "bytes" if client.recv(10) else "EOF"
    except OSError as error:
        peer = nb.errno.errorcode[error.errno]
    client, server = connection()
    nb.send_all(client, b"y" * 50000)
    client.shutdown(nb.socket.SHUT_WR)
    nb.report(outcome=outcome, peer=peer, then=splice(server, w))
