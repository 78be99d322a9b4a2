# SPDX-License-Identifier: Apache-2.0
"""A client that does what each line (one JSON object) says, and reports one object for each."""
import errno, json, select, socket, sys

kept = []


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def word(error):
    return errno.errorcode.get(error.errno, str(error))


def tcp(host, port, n=1, keep=False, bind=None, timeout=3, say=None):
    names, errors, peers = [], {}, set()
    for _ in range(n):
        s = socket.socket(family(host), socket.SOCK_STREAM)
        s.settimeout(timeout)
        try:
            if bind:
                s.bind(tuple(bind))
            s.connect((host, port))
            peers.add(tuple(s.getpeername()[:2]))
            if say:
                s.send(say.encode())
            names.append(s.recv(64).decode())
        except OSError as error:
            errors[word(error)] = errors.get(word(error), 0) + 1
            s.close()
            continue
        if keep:
            kept.append(s)
        else:
            s.close()
    counts = {name: names.count(name) for name in sorted(set(names))}
    return {"counts": counts, "names": names, "errors": errors, "peers": sorted(map(list, peers))}


def options(socket_):
    """What the kernel says of a socket that was kept."""
    s = kept[socket_]
    tcp_ = lambda name: s.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
    return {
        "congestionControl": s.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).split(b"\0")[0].decode(),
        "sendBuffer": s.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2,
        "receiveBuffer": s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2,
        "synRetries": tcp_("TCP_SYNCNT"),
        "keepalive": s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
        "keepaliveIdle": tcp_("TCP_KEEPIDLE"),
        "keepaliveInterval": tcp_("TCP_KEEPINTVL"),
        "keepaliveProbes": tcp_("TCP_KEEPCNT"),
        "userTimeout": tcp_("TCP_USER_TIMEOUT"),
        "noDelay": tcp_("TCP_NODELAY"),
        "notSentLowWater": tcp_("TCP_NOTSENT_LOWAT"),
        "pacing": s.getsockopt(socket.SOL_SOCKET, 47),
    }


def ask(s, timeout):
    s.settimeout(timeout)
    answer, sender = s.recvfrom(64)
    return answer.decode(), list(sender[:2])


def udp_open(host="127.0.0.1", bind=None, v6=False, reuse=False):
    s = socket.socket(socket.AF_INET6 if v6 or ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    if reuse:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if bind:
        s.bind(tuple(bind))
    kept.append(s)
    return {"socket": len(kept) - 1}


def udp_connect(socket, host, port):
    try:
        kept[socket].connect((host, port))
        return {"peer": list(kept[socket].getpeername()[:2])}
    except OSError as error:
        return {"error": word(error)}


def udp_talk(socket, host=None, port=None, n=1, timeout=1, answer=True):
    """`host`: sendto, otherwise send on a connected socket."""
    names, senders, error = [], [], ""
    for _ in range(n):
        try:
            if host:
                kept[socket].sendto(b"?", (host, port))
            else:
                kept[socket].send(b"?")
            if answer:
                name, sender = ask(kept[socket], timeout)
                names.append(name)
                senders.append(sender)
        except OSError as e:
            error = word(e) if e.errno else "timeout"
    return {"names": names, "senders": senders, "error": error}


def peer(socket):
    try:
        return {"peer": list(kept[socket].getpeername()[:2])}
    except OSError as error:
        return {"error": word(error)}


def reconnect(socket, host, port):
    """Uses a socket again, for another address."""
    try:
        kept[socket].connect((host, port))
        return {"peer": list(kept[socket].getpeername()[:2])}
    except OSError as error:
        return {"error": word(error)}


def close(first=0, last=None):
    for s in kept[first:last]:
        s.close()
    return {"closed": len(kept[first:last])}


verbs = {f.__name__: f for f in (tcp, udp_open, udp_connect, udp_talk, peer, reconnect, close, options)}
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(verbs[command.pop("do")](**command)), flush=True)
