# A server that answers each connection with who it is, who called and what was called, then echoes until the end.
# {"name", "host", "port", "backlog"}; lines on stdin: shut (stops listening), open (listens again), stall (accepts no more).
import json
import socket
import sys
import threading

options = json.loads(sys.argv[1])
state = {"listener": None, "stalls": False}


def say(**report):
    print(json.dumps(report), flush=True)


def serve(connection):
    with connection:
        peer, local = connection.getpeername(), connection.getsockname()
        connection.sendall((json.dumps({"name": options["name"], "peer": peer[:2], "local": local[:2]}) + "\n").encode())
        while True:
            try:
                data = connection.recv(65536)
            except OSError:
                return
            if not data:
                return
            connection.sendall(data)


def accept(listener):
    while not state["stalls"]:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def listen():
    listener = socket.socket(socket.AF_INET6 if ":" in options["host"] else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((options["host"], options["port"]))
    listener.listen(options.get("backlog", 128))
    state["listener"] = listener
    if not state["stalls"]:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()


state["stalls"] = options.get("stalls", False)
listen()
say(listens=options["port"])
for line in sys.stdin:
    word = line.strip()
    if word == "shut":
        # Also out of the accept() of the thread that waits there.
        state["listener"].shutdown(socket.SHUT_RDWR)
        state["listener"].close()
    elif word == "open":
        listen()
    say(did=word)
