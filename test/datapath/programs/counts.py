# SPDX-License-Identifier: Apache-2.0
"""FIONREAD and MSG_PEEK agree with what can be read, whichever way the bytes came."""
import socket, time
import nb

# Whether redirected bytes are counted; those that came by TCP always are.
ALL = nb.option("all", True)


def counted(s, want, what):
    deadline = time.monotonic() + 1
    while nb.unread(s) != want and time.monotonic() < deadline:
        time.sleep(0.001)
    nb.check(nb.unread(s) == want, f"{what}: FIONREAD {nb.unread(s)}, want {want}")


def by_tcp(data):
    """A pair at whose server `data` waits, sent before accept."""
    listener = nb.listen()
    client = nb.connect(listener.getsockname())
    nb.send_all(client, data)
    server = nb.accept(listener)
    listener.close()
    return client, server


def redirected(data):
    client, server = nb.pair()
    nb.warm(client, server)
    nb.send_all(client, data)
    return client, server


def whole(ways):
    for way in ways:
        _, server = way(b"x" * 1000)
        if way is by_tcp:
            server.recv(1, socket.MSG_PEEK)  # see first()
        counted(server, 1000, "1000 waiting")
        nb.check(len(nb.recv_some(server)) == 1000, "recv")
        counted(server, 0, "nothing waiting")
    nb.report(ok=True)


def first(ways):
    """Bytes that came before accept: the kernel moves them into the one queue at the first recv, not earlier."""
    _, server = by_tcp(b"x" * 1000)
    nb.wait(server, 1)
    before = nb.unread(server)
    nb.check(len(server.recv(10, socket.MSG_PEEK)) == 10, "peek")
    counted(server, 1000, "after a look at ten bytes")
    nb.check(len(nb.recv_exactly(server, 1000)) == 1000, "recv")
    nb.report(before=before)


def part(ways):
    for way in ways:
        data = nb.RANDOM.randbytes(1868)
        _, server = way(data)
        got = nb.recv_exactly(server, 1024)
        counted(server, 844, "after 1024 of 1868")
        nb.same(got + nb.recv_exactly(server, 844), data, "header")
    nb.report(ok=True)


def one_by_one(ways):
    for way in ways:
        data = nb.RANDOM.randbytes(10240)
        client, server = way(data[:100])
        for at in range(100, len(data), 100):
            nb.send_all(client, data[at:at + 100])
        for left in range(len(data), 0, -1):
            counted(server, left, "one by one")
            nb.check(nb.recv_some(server, 1)[0] == data[len(data) - left], f"byte {len(data) - left}")
        counted(server, 0, "at the end")
    nb.report(ok=True)


def both(ways):
    """The queue limit of the test is small: what is sent after the first message takes TCP."""
    client, server = nb.pair()
    nb.warm(client, server)
    for turn in range(200):
        data = nb.RANDOM.randbytes(nb.RANDOM.randint(12_000, 30_000))
        for at in range(0, len(data), 5000):
            nb.send_all(client, data[at:at + 5000])
        if ALL:
            counted(server, len(data), f"turn {turn}")
        peeked = server.recv(1 << 16, socket.MSG_PEEK)
        nb.same(peeked, data[:len(peeked)], "peek")
        if ALL:
            nb.check(len(peeked) == len(data), f"peek saw {len(peeked)} of {len(data)}")
        nb.same(server.recv(100, socket.MSG_PEEK), data[:100], "second peek")
        bite = nb.RANDOM.randint(1, len(data))
        got = nb.recv_exactly(server, bite)
        if ALL:
            counted(server, len(data) - bite, f"turn {turn} after {bite}")
        nb.same(got + nb.recv_exactly(server, len(data) - bite), data, f"turn {turn}")
        if ALL:
            counted(server, 0, f"turn {turn} at the end")
        nb.check(nb.poll(server, 1) == 0, "readable with nothing to read")
    nb.report(ok=True)


def missing(ways):
    """How much of what waits FIONREAD leaves out, for each way."""
    seen = []
    for way in ways:
        _, server = way(b"x" * 1000)
        nb.wait(server, 1)
        seen.append(1000 - nb.unread(server))
        nb.check(len(nb.recv_exactly(server, 1000)) == 1000, "recv")
    nb.report(missing=seen)


def found_out(ways):
    """A program gives itself away with one question; on its next connections every count is right."""
    client, server = nb.pair()
    nb.warm(client, server)
    nb.send_all(client, b"x" * 100)
    nb.unread(server)
    nb.check(len(nb.recv_exactly(server, 100)) == 100, "recv")
    for case in (whole, part, one_by_one):
        case(ways)


{"whole": whole, "first": first, "part": part, "one_by_one": one_by_one, "both": both, "missing": missing,
 "found_out": found_out}[nb.option("case", "whole")]((by_tcp, redirected))
