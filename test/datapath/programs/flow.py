# SPDX-License-Identifier: Apache-2.0
"""Streams that run at the same time, each compared with what was sent."""
import select, sys, time
from nb import SECONDS, same, unread


class Flow:
    """One direction: what `writer` sends in pieces must come out of `reader`."""

    def __init__(self, writer, reader, data, pieces=None, bites=None):
        self.writer, self.reader = writer, reader
        self.data, self.sent, self.got = data, 0, bytearray()
        self.pieces = pieces or (lambda: 65536)
        self.bites = bites or (lambda: 65536)

    def write(self):
        try:
            self.sent += self.writer.send(self.data[self.sent:self.sent + self.pieces()])
        except BlockingIOError:
            pass

    def read(self):
        try:
            some = self.reader.recv(self.bites())
        except BlockingIOError:
            return
        if not some:
            sys.exit(f"end of file after {len(self.got)} of {len(self.data)} bytes")
        self.got += some

    def done(self):
        return len(self.got) >= len(self.data)


def pump(flows, seconds=SECONDS):
    """Move every flow to its end, all at once, and compare each with what was sent."""
    deadline = time.monotonic() + seconds
    epoll, wanted, busy = select.epoll(), {}, {id(f): f for f in flows}
    readers = {f.reader.fileno(): f for f in flows}
    writers = {f.writer.fileno(): f for f in flows}

    def update(fd):
        w, r = writers.get(fd), readers.get(fd)
        mask = (select.EPOLLOUT if w and w.sent < len(w.data) else 0) | (select.EPOLLIN if r and not r.done() else 0)
        if wanted.get(fd) == mask:
            return
        (epoll.modify if fd in wanted else epoll.register)(fd, mask)
        wanted[fd] = mask

    for fd in {*readers, *writers}:
        update(fd)
    while busy:
        ready = epoll.poll(1)
        if time.monotonic() > deadline:
            stuck = next(iter(busy.values()))
            sys.exit(f"{len(busy)} flows stuck: sent {stuck.sent}, got {len(stuck.got)} of {len(stuck.data)}, "
                     f"FIONREAD {unread(stuck.reader)}")
        for fd, events in ready:
            if events & (select.EPOLLIN | select.EPOLLHUP) and fd in readers:
                readers[fd].read()
                if readers[fd].done():
                    busy.pop(id(readers[fd]), None)
            if events & select.EPOLLOUT and fd in writers:
                writers[fd].write()
            update(fd)
    epoll.close()
    for flow in flows:
        same(bytes(flow.got), bytes(flow.data), "stream")
