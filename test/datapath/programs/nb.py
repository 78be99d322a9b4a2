# SPDX-License-Identifier: Apache-2.0
"""Non-blocking TCP for the test programs. Every wait has a deadline; every failure ends the program.

A program gets its options as one JSON object in argv[1] and prints one JSON object for each thing it reports.
"""
import array, errno, fcntl, json, os, random, select, socket, sys, termios

ARGS = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
SECONDS = 20 * float(os.environ.get("TEST_SLOWNESS", "1"))
RANDOM = random.Random(ARGS.get("seed", 1))


def option(name, default):
    return ARGS.get(name, default)


def report(**fields):
    print(json.dumps(fields), flush=True)


def word():
    """Wait for the test to say something."""
    readable, _, _ = select.select([sys.stdin], [], [], SECONDS)
    if not readable:
        raise TimeoutError("the test said nothing")
    return sys.stdin.readline().strip()


def spoken():
    """True when the test has said something; it is left unread."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def is_v6(host):
    return ":" in host


def listen(host="127.0.0.1", port=0, proto=0, options=(), backlog=4096):
    family = socket.AF_INET6 if is_v6(host) else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK, proto)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for level, name, value in options:
        s.setsockopt(level, name, value)
    s.bind((host, port))
    s.listen(backlog)
    return s


def connect_start(address, bind=None, proto=0, options=()):
    family = socket.AF_INET6 if is_v6(address[0]) else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK, proto)
    for level, name, value in options:
        s.setsockopt(level, name, value)
    if bind:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(bind)
    error = s.connect_ex(tuple(address[:2]))
    if error not in (0, errno.EINPROGRESS):
        raise OSError(error, os.strerror(error))
    return s


def connect(address, **how):
    s = connect_start(address, **how)
    wait(s, select.POLLOUT)
    error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))
    if not how.get("proto"):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def accept(listener):
    wait(listener, select.POLLIN)
    s, _ = listener.accept()
    s.setblocking(False)
    return s


def pair(host="127.0.0.1", to=None, proto=0, options=()):
    """A connected client and its accepted server. `to`: the address that the client uses."""
    listener = listen(host, proto=proto, options=options)
    port = listener.getsockname()[1]
    client = connect((to or host, port), proto=proto)
    server = accept(listener)
    listener.close()
    return client, server


def poll(s, events, seconds=0.0):
    """The events that came within this time; 0 for none."""
    p = select.poll()
    p.register(s, events)
    ready = p.poll(seconds * 1000)
    return ready[0][1] if ready else 0


def wait(s, events, seconds=SECONDS):
    got = poll(s, events, seconds)
    if not got:
        raise TimeoutError(f"socket {s.fileno()}: nothing of {events:#x} for {seconds} s, FIONREAD {unread(s)}")
    return got


def send_all(s, data):
    view = memoryview(data)
    while view:
        try:
            view = view[s.send(view):]
        except BlockingIOError:
            wait(s, select.POLLOUT)


def recv_some(s, n=65536):
    while True:
        try:
            return s.recv(n)
        except BlockingIOError:
            wait(s, select.POLLIN)


def recv_exactly(s, n):
    out = bytearray()
    while len(out) < n:
        some = recv_some(s, min(65536, n - len(out)))
        if not some:
            raise EOFError(f"end of file after {len(out)} of {n} bytes")
        out += some
    return bytes(out)


def recv_to_end(s):
    out = bytearray()
    while some := recv_some(s):
        out += some
    return bytes(out)


def peeked(s):
    """How many bytes a peek sees, at most a MiB."""
    try:
        return len(s.recv(1 << 20, socket.MSG_PEEK))
    except BlockingIOError:
        return 0


def unread(s):
    count = array.array("i", [-1])
    try:
        fcntl.ioctl(s, termios.FIONREAD, count)
    except OSError:
        return -1
    return count[0]


def error_of(call):
    """The name of the error that the call ends with; '' for none."""
    try:
        call()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    return ""


def same(got, want, what):
    if got == want:
        return
    at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
    sys.exit(f"{what}: {len(got)} of {len(want)} bytes, first difference at {at}")


def check(ok, what):
    if not ok:
        sys.exit(what)


def warm(client, server):
    """One byte each way, so that whatever the handshake left on TCP has been read."""
    for a, b in ((client, server), (server, client)):
        send_all(a, b"w")
        recv_exactly(b, 1)


def echo(listener, until=None):
    """Sends back what comes on every connection, until `until` can be read."""
    poll, ends = select.poll(), {}
    for source in filter(None, (listener, until)):
        poll.register(source, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if until and fd == until.fileno():
                return
            if fd == listener.fileno():
                end = accept(listener)
                ends[end.fileno()] = end
                poll.register(end, select.POLLIN)
                continue
            some = recv_some(ends[fd])
            if some:
                send_all(ends[fd], some)
            else:
                poll.unregister(fd)
                ends.pop(fd).close()


def pattern(n, seed=0):
    """Bytes of which each depends on its place."""
    return random.Random(seed).randbytes(n)
