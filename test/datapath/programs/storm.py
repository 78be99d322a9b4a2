"""Many short conversations. Options: port, count, wide (at a time), host, udp, from_ports (of datagrams), hold, timeout.

Reports {"by": {answer: count}, "refused", "reset", "silent"}. `hold` keeps all connections open until every one has
been answered; otherwise each is closed after its answer.
"""
import collections, errno, json, select, socket, sys, time

options = {"port": 8080, "count": 400, "wide": 50, "host": "127.0.0.1", "udp": False, "hold": False, "timeout": 5, "each": 1}
options.update(json.loads(sys.argv[1]) if len(sys.argv) > 1 else {})
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


def connections():
    poll, live, held, started, done = select.epoll(), {}, [], 0, 0
    while done < options["count"]:
        while started < options["count"] and len(live) < options["wide"]:
            sock = socket.socket(family)
            sock.setblocking(False)
            sock.connect_ex(target)
            live[sock.fileno()] = (sock, time.monotonic())
            poll.register(sock, select.EPOLLIN)
            started += 1
        events = poll.poll(0.5)
        now = time.monotonic()
        over = [fd for fd, (_, since) in live.items() if now - since > options["timeout"]] if not events else []
        for fd, _ in events + [(fd, None) for fd in over]:
            sock, _ = live.pop(fd)
            poll.unregister(sock)
            done += 1
            if fd in over:
                result["silent"] += 1
            else:
                try:
                    answer = sock.recv(100)
                    if answer:
                        result["by"][answer.decode()] += 1
                    else:
                        result["reset"] += 1
                except OSError as error:
                    failed(error.errno)
            if options["hold"]:
                held.append(sock)
            else:
                sock.close()


datagrams() if options["udp"] else connections()
print(json.dumps(result), flush=True)
