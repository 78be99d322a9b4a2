# SPDX-License-Identifier: Apache-2.0
"""One connection that does what the test says, a line at a time, and checks every byte that it reads.

    send c 1000     the client sends 1000 bytes          read s       the server reads everything that was sent to it
    unread s        report what a peek of the server sees  close c    close the client
    end s           the server reads to the end          half c     the client ends its direction
    quit
"""
import sys
import nb

kind = nb.option("kind", "plain")
PROTO = 262 if kind == "mptcp" else 0
listener = nb.listen(nb.option("host", "127.0.0.1"), proto=PROTO)


def open_pair():
    if kind == "blocking_listener":
        listener.setblocking(True)
    if kind == "blocking_client":
        client = nb.socket.create_connection(listener.getsockname())
    else:
        client = nb.connect(listener.getsockname(), proto=PROTO)
    server = nb.accept(listener)
    if kind in ("blocking_listener", "blocking_child"):
        server.setblocking(True)
    return {"c": client, "s": server}


class Direction:
    """A stream of which each byte depends on its place."""

    def __init__(self, seed):
        self.stream, self.sent, self.got = nb.pattern(1 << 20, seed), 0, 0

    def bytes(self, at, n):
        at %= 1 << 20
        return (self.stream + self.stream[:n])[at:at + n]


PEER = {"c": "s", "s": "c"}
ends = open_pair()
ways = {"c": Direction(1), "s": Direction(2)}  # by the sender


def read(side):
    way = ways[PEER[side]]
    n = way.sent - way.got
    nb.same(nb.recv_exactly(ends[side], n), way.bytes(way.got, n), f"read {side}")
    way.got += n
    return n


nb.report(ready=True, port=listener.getsockname()[1])
for line in sys.stdin:
    command, side, number = (line.split() + ["", "0"])[:3]
    if command == "quit":
        break
    if command == "open":
        ends = open_pair()
        ways = {"c": Direction(1), "s": Direction(2)}
        nb.report(opened=True)
    elif command == "send":
        way = ways[side]
        nb.send_all(ends[side], way.bytes(way.sent, int(number)))
        way.sent += int(number)
        nb.report(sent=int(number))
    elif command == "read":
        nb.report(read=read(side))
    elif command == "unread":
        nb.report(unread=nb.peeked(ends[side]))
    elif command == "close":
        ends[side].close()
        nb.report(closed=side)
    elif command == "half":
        ends[side].shutdown(nb.socket.SHUT_WR)
        nb.report(half=side)
    elif command == "end":
        read(side)
        nb.check(nb.recv_some(ends[side]) == b"", "bytes after the end")
        nb.report(ended=side)
