"""Workers that listen on one port, each with a socket of its own, as multi-process servers do.

Options: workers, port, host, family ("ipv4", "ipv6"), backlog, udp, names (of the processes, in turn), cpus (likewise),
filter (attach a classic filter that chooses the first socket), ownGroup (a process group of its own).
Commands on standard input, each answered with one JSON line:
  counts            {"counts": {pid: accepted}}
  start             one more worker                                {"pid"}
  leave PID         it closes its listener, finishes what it has accepted, exits     {"left": PID}
  work PID          it is busy for two seconds, and accepts nothing meanwhile
  pause PID / resume PID     SIGSTOP / SIGCONT
  kill PID          SIGKILL
  filter            attach the classic filter now
  bind              one more socket on the port, which never listens
  listen PID        it calls listen() once more
  quit
A TCP worker answers each connection with its own pid and waits for the client to close; a UDP worker answers each
datagram with its pid.
"""
import ctypes, json, os, select, signal, socket, struct, sys, time

SO_ATTACH_REUSEPORT_CBPF = 51
PR_SET_PDEATHSIG = 1

options = {"workers": 4, "port": 8080, "family": "ipv4", "backlog": 4096, "udp": False, "host": None, "names": [], "cpus": [],
           "filter": False, "ownGroup": False}
options.update(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
V6 = options["family"] == "ipv6"


def bound():
    kind = socket.SOCK_DGRAM if options["udp"] else socket.SOCK_STREAM
    sock = socket.socket(socket.AF_INET6 if V6 else socket.AF_INET, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((options["host"] or ("::" if V6 else "0.0.0.0"), options["port"]))
    if not options["udp"]:
        sock.listen(options["backlog"])
    sock.setblocking(False)
    if options["filter"]:
        choose_first(sock)
    return sock


def choose_first(sock):
    """BPF_RET 0: what a server does that selects by itself."""
    code = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    program = struct.pack("HxxxxxxP", 1, ctypes.addressof(code))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program)


def serve_udp(sock, report):
    me, count = str(os.getpid()).encode(), 0
    while True:
        ready, _, _ = select.select([sock, report], [], [])
        if sock in ready:
            try:
                while True:
                    _, client = sock.recvfrom(2048)
                    count += 1
                    sock.sendto(me, client)
            except BlockingIOError:
                pass
        if report in ready:
            order = report.recv(1)
            if order != b"?":
                os._exit(0)
            report.send(count.to_bytes(8, "big"))


def serve_tcp(sock, report):
    me, count, leaving = str(os.getpid()).encode(), 0, False
    poll, open_ = select.epoll(), {}
    poll.register(sock, select.EPOLLIN)
    poll.register(report, select.EPOLLIN)
    while True:
        if leaving and not open_:
            report.send((1).to_bytes(8, "big"))
            os._exit(0)
        for fd, _ in poll.poll():
            if fd == sock.fileno():
                try:
                    while True:
                        conn, _ = sock.accept()
                        count += 1
                        conn.send(me)
                        open_[conn.fileno()] = conn
                        poll.register(conn, select.EPOLLIN)
                except BlockingIOError:
                    pass
            elif fd == report.fileno():
                order = report.recv(1)
                if order == b"?":
                    report.send(count.to_bytes(8, "big"))
                elif order == b"a":
                    sock.listen(options["backlog"])
                elif order == b"w":
                    time.sleep(2)
                elif order == b"l":
                    poll.unregister(sock)
                    sock.close()
                    leaving = True
                else:
                    os._exit(0)
            else:
                conn = open_[fd]
                try:
                    data = conn.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    poll.unregister(conn)
                    conn.close()
                    del open_[fd]


workers, started = {}, 0


def start():
    global started
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        for other in workers.values():
            other.close()
        ours.close()
        sys.stdin.close()
        # Also the stopped ones must go with the test.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        number = started
        if options["names"]:
            with open("/proc/self/comm", "w") as comm:
                comm.write(options["names"][number % len(options["names"])])
        if options["cpus"]:
            os.sched_setaffinity(0, {options["cpus"][number % len(options["cpus"])]})
        sock = bound()
        theirs.send(b"r")
        (serve_udp if options["udp"] else serve_tcp)(sock, theirs)
    theirs.close()
    started += 1
    ours.recv(1)
    workers[pid] = ours
    return pid


def ask(pid):
    workers[pid].send(b"?")
    return int.from_bytes(workers[pid].recv(8), "big")


def say(**report):
    print(json.dumps(report), flush=True)


if options["ownGroup"]:
    os.setpgid(0, 0)
for _ in range(options["workers"]):
    start()
say(ready=list(workers))
paused = set()
idle = []
for line in sys.stdin:
    word, *rest = line.split()
    pid = int(rest[0]) if rest else 0
    if word == "counts":
        say(counts={str(one): ask(one) for one in workers if one not in paused})
    elif word == "start":
        say(pid=start())
    elif word == "leave":
        workers[pid].send(b"l")
        workers[pid].recv(8)
        os.waitpid(pid, 0)
        workers.pop(pid).close()
        say(left=pid)
    elif word == "bind":
        idle.append(socket.socket(socket.AF_INET6 if V6 else socket.AF_INET, socket.SOCK_STREAM))
        idle[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        idle[-1].bind((options["host"] or ("::" if V6 else "0.0.0.0"), options["port"]))
        say(done=word)
    elif word == "listen":
        workers[pid].send(b"a")
        say(done=word)
    elif word == "work":
        workers[pid].send(b"w")
        say(done=word)
    elif word in ("pause", "resume"):
        os.kill(pid, signal.SIGSTOP if word == "pause" else signal.SIGCONT)
        (paused.add if word == "pause" else paused.discard)(pid)
        say(done=word)
    elif word == "kill":
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        workers.pop(pid).close()
        say(killed=pid)
    elif word == "filter":
        sock = bound()
        choose_first(sock)
        sock.close()
        say(done=word)
    else:
        break
for pid in workers:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
