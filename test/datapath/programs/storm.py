"""Many short conversations, as fast as they go.

Options: port, count, wide (at a time), host, source (address), cpu, http (ask for /), udp, each (datagrams of one
client), hold (keep all connections open until every one has been answered), timeout.
Reports {"by": {answer: count}, "refused", "reset", "silent"}; for datagrams also "moved": clients that met two workers.
"""
import collections, errno, json, os, select, socket, sys, time

options = {"port": 8080, "count": 400, "wide": 50, "host": "127.0.0.1", "udp": False, "hold": False, "timeout": 5, "each": 1, "source": None,
           "cpu": None, "http": False}
options.update(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
if options["cpu"] is not None:
    os.sched_setaffinity(0, {options["cpu"]})
family = socket.AF_INET6 if ":" in options["host"] else socket.AF_INET
target = (options["host"], options["port"])
result = {"by": collections.Counter(), "refused": 0, "reset": 0, "silent": 0}


def datagrams():
    clients = []
    for _ in range(options["count"]):
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.settimeout(options["timeout"])
        clients.append(sock)
    moved = 0
    for sock in clients:
        answers = set()
        for _ in range(options["each"]):
            try:
                sock.sendto(b"x", target)
                answer = sock.recv(100).decode()
                answers.add(answer)
                result["by"][answer] += 1
            except socket.timeout:
                result["silent"] += 1
        moved += len(answers) > 1
    result["moved"] = moved


def failed(error):
    result["refused" if error == errno.ECONNREFUSED else "reset"] += 1


def begin(poll):
    sock = socket.socket(family)
    sock.setblocking(False)
    if options["source"]:
        sock.bind((options["source"], 0))
    sock.connect_ex(target)
    poll.register(sock, select.EPOLLOUT if options["http"] else select.EPOLLIN)
    return sock


def answer_of(sock):
    """What came so far; None when it is over without an answer, "" when there is more to come."""
    try:
        text = sock.recv(65536).decode()
    except OSError as error:
        failed(error.errno)
        return None
    if not options["http"]:
        if not text:
            result["reset"] += 1
        return text or None
    parts[sock] = parts.get(sock, "") + text
    if text:
        return ""
    head, _, body = parts.pop(sock).partition("\r\n\r\n")
    if " 200 " in head[:16] and body.strip():
        return body.strip()
    result["reset"] += 1
    return None


parts = {}


def connections():
    poll, live, held, started, done = select.epoll(), {}, [], 0, 0
    while done < options["count"]:
        while started < options["count"] and len(live) < options["wide"]:
            sock = begin(poll)
            live[sock.fileno()] = (sock, time.monotonic())
            started += 1
        ready = dict(poll.poll(0.5))
        now = time.monotonic()
        for fd, (sock, since) in list(live.items()):
            if fd in ready and ready[fd] == select.EPOLLOUT:
                sock.send(b"GET / HTTP/1.0\r\n\r\n")
                poll.modify(sock, select.EPOLLIN)
                continue
            if fd in ready:
                answer = answer_of(sock)
                if answer == "":
                    continue
                if answer:
                    result["by"][answer] += 1
            elif now - since > options["timeout"]:
                result["silent"] += 1
            else:
                continue
            done += 1
            del live[fd]
            poll.unregister(sock)
            held.append(sock)
            if not options["hold"]:
                sock.close()


datagrams() if options["udp"] else connections()
print(json.dumps(result), flush=True)
