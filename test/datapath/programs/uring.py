# SPDX-License-Identifier: Apache-2.0
"""A server that reads through io_uring: with RECV in its own call, or with SPLICE, which a worker of the kernel does."""
import ctypes, mmap, os, struct
import nb

SETUP, ENTER, GETEVENTS = 425, 426, 1
OP_RECV, OP_SPLICE, OP_POLL = 27, 30, 6
LIBC = ctypes.CDLL(None, use_errno=True)


class Ring:
    """One request at a time."""

    def __init__(self):
        params = bytearray(120)
        self.fd = LIBC.syscall(SETUP, 4, (ctypes.c_char * 120).from_buffer(params))
        nb.check(self.fd >= 0, f"io_uring_setup: {nb.errno.errorcode.get(ctypes.get_errno())}")
        sq_entries, cq_entries = struct.unpack_from("II", params)
        _, self.sq_tail, self.sq_mask, _, _, _, self.sq_array = struct.unpack_from("7I", params, 40)
        self.cq_head, _, self.cq_mask, _, _, self.cqes = struct.unpack_from("6I", params, 80)
        self.sq = mmap.mmap(self.fd, self.sq_array + sq_entries * 4, offset=0)
        self.cq = mmap.mmap(self.fd, self.cqes + cq_entries * 16, offset=0x8000000)
        self.sqes = mmap.mmap(self.fd, sq_entries * 64, offset=0x10000000)

    def ask(self, entry):
        """The result of one request; a negative one is an errno."""
        tail, = struct.unpack_from("I", self.sq, self.sq_tail)
        mask, = struct.unpack_from("I", self.sq, self.sq_mask)
        self.sqes[(tail & mask) * 64:(tail & mask) * 64 + 64] = entry
        struct.pack_into("I", self.sq, self.sq_array + (tail & mask) * 4, tail & mask)
        struct.pack_into("I", self.sq, self.sq_tail, tail + 1)
        done = LIBC.syscall(ENTER, self.fd, 1, 1, GETEVENTS, None, 0)
        nb.check(done == 1, f"io_uring_enter: {done}")
        head, = struct.unpack_from("I", self.cq, self.cq_head)
        mask, = struct.unpack_from("I", self.cq, self.cq_mask)
        _, result, _ = struct.unpack_from("QiI", self.cq, self.cqes + (head & mask) * 16)
        struct.pack_into("I", self.cq, self.cq_head, head + 1)
        return result


def entry(op, fd, off=0, addr=0, size=0, flags=0, splice_from=0):
    return struct.pack("BBHiQQIIQHHiQQ", op, 0, 0, fd, off, addr, size, flags, 1, 0, 0, splice_from, 0, 0)


ring = Ring()
buffer = ctypes.create_string_buffer(65536)
r, w = os.pipe()


def by_recv(s):
    n = ring.ask(entry(OP_RECV, s.fileno(), addr=ctypes.addressof(buffer), size=65536))
    return buffer.raw[:n] if n > 0 else b""


def by_splice(s):
    n = ring.ask(entry(OP_SPLICE, w, off=2**64 - 1, addr=2**64 - 1, size=65536, splice_from=s.fileno()))
    return os.read(r, n) if n > 0 else b""


read = {"recv": by_recv, "splice": by_splice}[nb.option("how", "recv")]
listener = nb.listen()
for _ in range(2):
    client = nb.connect(listener.getsockname())
    server = nb.accept(listener)
    for turn in range(40):
        data = nb.RANDOM.randbytes(1000)
        nb.send_all(client, data)
        got = b""
        while len(got) < len(data):
            nb.wait(server, nb.select.POLLIN)
            got += read(server)
        nb.same(got, data, f"turn {turn}")
        nb.send_all(server, data)
        nb.same(nb.recv_exactly(client, 1000), data, f"answer {turn}")
    nb.report(done=True)
    nb.word()
