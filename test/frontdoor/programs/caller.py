# Calls somebody as often as it is told to, and says how each call went. {"to": [host, port]}; a line on stdin: a number of calls,
# keep (one call that stays open), ask (whether those still echo), close (ends them), flood (calls without end), calm (ends that).
import errno
import json
import os
import socket
import sys
import threading

options = json.loads(sys.argv[1])
to = tuple(options["to"])
kept = []
flood = {"on": False, "calls": 0, "bad": []}


def call(patience=5):
    sock = socket.create_connection(to, timeout=patience)
    line = b""
    while not line.endswith(b"\n"):
        data = sock.recv(4096)
        if not data:
            raise EOFError
        line += data
    return sock, json.loads(line)


def name_of(error):
    if isinstance(error, EOFError):
        return "end"
    return errno.errorcode.get(getattr(error, "errno", 0) or 0, "timeout")


def echoes(sock):
    word = os.urandom(20000)
    sock.sendall(word)
    got = b""
    while len(got) < len(word):
        data = sock.recv(65536)
        if not data:
            return False
        got += data
    return got == word


def one():
    try:
        sock, answer = call()
    except (OSError, EOFError) as error:
        return name_of(error)
    with sock:
        return answer if echoes(sock) else "differs"


def flooding():
    while flood["on"]:
        answer = one()
        flood["calls"] += 1
        if isinstance(answer, str):
            flood["bad"].append(answer)


def answer_to(word):
    if word.isdigit():
        return [one() for _ in range(int(word))]
    if word == "keep":
        sock, answer = call()
        kept.append(sock)
        return answer
    if word == "ask":
        return [echoes(sock) for sock in kept]
    if word == "close":
        while kept:
            kept.pop().close()
        return "closed"
    if word == "flood":
        flood.update(on=True, calls=0, bad=[])
        flood["thread"] = threading.Thread(target=flooding, daemon=True)
        flood["thread"].start()
        return "floods"
    if word == "so far":
        return {"calls": flood["calls"], "bad": flood["bad"]}
    flood["on"] = False
    flood["thread"].join()
    return {"calls": flood["calls"], "bad": flood["bad"]}


for line in sys.stdin:
    print(json.dumps(answer_to(line.strip())), flush=True)
