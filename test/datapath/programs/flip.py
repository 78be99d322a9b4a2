# SPDX-License-Identifier: Apache-2.0
"""Connections that are accelerated, and then one end does what the map cannot serve. Every byte is compared.

Each word of the test is one step: traffic on the first connection; the flip and more traffic; a second connection with the
same flip.
"""
import os, socket, time
import nb

SO_PEEK_OFF, SO_TIMESTAMPING, SO_ZEROCOPY, TCP_INQ = 42, 37, 60, 36
kind = nb.option("kind", "splice")
listener = nb.listen()


def traffic(client, server, rounds=30):
    for turn in range(rounds):
        for a, b in ((client, server), (server, client)):
            data = nb.RANDOM.randbytes(nb.RANDOM.choice([1, 64, 1000, 5000, 20_000]))
            nb.send_all(a, data)
            nb.same(read(b, len(data)), data, f"turn {turn}")


def read(s, n):
    return readers[s](s, n) if s in readers else nb.recv_exactly(s, n)


def by_splice(call):
    """A reader that moves the bytes through a pipe."""
    r, w = os.pipe()

    def splice(s, n):
        got, deadline = b"", time.monotonic() + nb.SECONDS
        while len(got) < n:
            nb.check(time.monotonic() < deadline, f"{len(got)} of {n} bytes")
            moved = call(s.fileno(), w, n - len(got))
            if moved <= 0:
                time.sleep(0.002)
                continue
            got += os.read(r, moved)
        return got
    return splice


def spliced(fd, w, n):
    try:
        return os.splice(fd, w, n, flags=os.SPLICE_F_NONBLOCK)
    except BlockingIOError:
        return 0


def option(level, name, value=1):
    return lambda s: s.setsockopt(level, name, value)


def blocking(s):
    s.setblocking(True)
    readers[s] = lambda s, n: s.recv(n, socket.MSG_WAITALL)


def splicing(s):
    """It looks before bytes have come, as event loops do; bytes that wait already would be stuck."""
    readers[s] = by_splice(spliced)
    spliced(s.fileno(), os.pipe()[1], 1)
    time.sleep(0.1)


FLIPS = {
    "splice": splicing,
    "blocking": blocking,
    "zerocopy": option(socket.SOL_SOCKET, SO_ZEROCOPY),
    "rcvlowat": option(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 2),
    "oobinline": option(socket.SOL_SOCKET, socket.SO_OOBINLINE),
    "timestamps": option(socket.SOL_SOCKET, SO_TIMESTAMPING, 8 | 16),
    "peek_off": option(socket.SOL_SOCKET, SO_PEEK_OFF, 0),
    "inq": option(socket.IPPROTO_TCP, TCP_INQ),
}
readers = {}


def pair():
    client = nb.connect(listener.getsockname())
    return client, nb.accept(listener)


first = pair()
traffic(*first)
nb.report(ready=True, port=first[0].getsockname()[1])
nb.word()
traffic(*first)
FLIPS[kind](first[1])
if kind in ("rcvlowat", "blocking"):
    # One byte would wait for a second that does not come; a blocking reader needs its data sent first.
    nb.RANDOM.choice = lambda _: 1000
traffic(*first)
nb.report(flipped=True)
nb.word()
second = pair()
FLIPS[kind](second[1])
time.sleep(0.15)  # sooner, a blocking socket may still become another
traffic(*second)
nb.report(second=second[0].getsockname()[1])
nb.word()
