# SPDX-License-Identifier: Apache-2.0
"""Socket calls that few programs use. The test compares what they give with the same run on plain TCP."""
import fcntl, select, socket, struct, termios, time
import nb

SIOCOUTQ, TCP_INQ, SO_ZEROCOPY, MSG_ZEROCOPY = 0x5411, 36, 60, 0x4000000


def ready():
    client, server = nb.pair()
    nb.warm(client, server)
    return client, server


def tried(call):
    try:
        got = call()
        return got.decode() if isinstance(got, bytes) else got
    except OSError as error:
        return nb.errno.errorcode[error.errno]


def urgent_byte():
    a, b = ready()
    a.send(b"before")
    a.send(b"!", socket.MSG_OOB)
    a.send(b"after")
    time.sleep(0.05)
    urgent = tried(lambda: b.recv(1, socket.MSG_OOB))
    return [urgent, nb.recv_exactly(b, 11).decode(), tried(lambda: b.recv(10))]


def urgent_byte_in_line():
    a, b = ready()
    b.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    a.send(b"before")
    a.send(b"!", socket.MSG_OOB)
    a.send(b"after")
    return nb.recv_exactly(b, 12).decode()


def low_water_mark():
    a, b = ready()
    b.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1000)
    a.send(b"x" * 500)
    first = nb.poll(b, select.POLLIN, 0.05)
    a.send(b"x" * 600)
    return [first, nb.poll(b, select.POLLIN, 1), len(nb.recv_exactly(b, 1100))]


def truncated():
    a, b = ready()
    a.send(b"x" * 100)
    nb.wait(b, select.POLLIN)
    n = b.recv_into(bytearray(60), 60, socket.MSG_TRUNC)
    return [n, len(nb.recv_exactly(b, 40))]


def wait_for_all():
    a, b = ready()
    a.send(b"x" * 100)
    nb.wait(b, select.POLLIN)
    return [len(b.recv(200, socket.MSG_WAITALL)), tried(lambda: b.recv(200, socket.MSG_WAITALL))]


def unsent():
    a, b = ready()
    a.send(b"x" * 1000)
    time.sleep(0.05)
    return struct.unpack("i", fcntl.ioctl(a, SIOCOUTQ, b"\0" * 4))[0]


def scattered():
    a, b = ready()
    a.sendmsg([b"one", b"", b"two", b"three" * 1000])
    nb.wait(b, select.POLLIN)
    parts = [bytearray(1), bytearray(2), bytearray(3), bytearray(5000)]
    n, ancillary, flags, _ = b.recvmsg_into(parts)
    return [n, len(ancillary), flags, bytes(parts[2]).decode()]


def nothing():
    a, b = ready()
    sent = a.send(b"")
    a.send(b"x")
    nb.wait(b, select.POLLIN)
    return [sent, tried(lambda: b.recv(0)), nb.recv_exactly(b, 1).decode()]


def more_to_come():
    a, b = ready()
    a.send(b"head", socket.MSG_MORE)
    a.send(b"tail")
    return nb.recv_exactly(b, 8).decode()


def corked():
    a, b = ready()
    a.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    for _ in range(10):
        a.send(b"cork")
    a.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
    return nb.recv_exactly(b, 40).decode()


def events():
    """What poll says at each step of an ordinary end."""
    a, b = ready()
    mask = select.POLLIN | select.POLLOUT | select.POLLRDHUP | select.POLLPRI
    seen = [nb.poll(b, mask)]
    a.send(b"x")
    time.sleep(0.02)
    seen.append(nb.poll(b, mask))
    a.shutdown(socket.SHUT_WR)
    time.sleep(0.02)
    seen.append(nb.poll(b, mask))
    nb.recv_exactly(b, 1)
    seen.append(nb.poll(b, mask))
    b.shutdown(socket.SHUT_WR)
    time.sleep(0.02)
    return seen + [nb.poll(b, mask), nb.poll(a, mask)]


def zero_copy():
    """The completion of a zero-copy send comes through the error queue."""
    a, b = ready()
    a.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    a.send(b"z" * 40_000, MSG_ZEROCOPY)
    good = nb.recv_exactly(b, 40_000) == b"z" * 40_000
    return [good, nb.poll(a, 0, 1) & select.POLLERR, tried(lambda: len(a.recvmsg(1, 200, socket.MSG_ERRQUEUE)[1]))]


def bytes_left():
    """TCP_INQ tells with each read how much more waits."""
    a, b = ready()
    b.setsockopt(socket.IPPROTO_TCP, TCP_INQ, 1)
    a.send(b"x" * 1000)
    nb.wait(b, select.POLLIN)
    _, ancillary, _, _ = b.recvmsg(400, 100)
    return [struct.unpack("i", data)[0] for _, _, data in ancillary]


def partly_mapped():
    """The second page of the buffer cannot be read."""
    import ctypes, mmap
    libc = ctypes.CDLL(None, use_errno=True)
    a, b = ready()
    memory = mmap.mmap(-1, 3 * 4096)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc.mprotect(ctypes.c_void_p(address + 8192), 4096, 0)
    sent = libc.send(a.fileno(), ctypes.c_void_p(address + 4096), 8192, socket.MSG_NOSIGNAL)
    error = nb.errno.errorcode.get(ctypes.get_errno(), "") if sent < 0 else ""
    time.sleep(0.02)
    got = tried(lambda: len(b.recv(10_000)))
    a.send(b"then")
    return [sent, got, error, nb.recv_exactly(b, 4).decode()]


CASES = [urgent_byte, urgent_byte_in_line, low_water_mark, truncated, wait_for_all, unsent, scattered, nothing,
         more_to_come, corked, events, zero_copy, bytes_left, partly_mapped]
if nb.option("case", ""):
    CASES = [case for case in CASES if case.__name__ == nb.option("case", "")]
nb.report(**{case.__name__: tried(case) for case in CASES})
