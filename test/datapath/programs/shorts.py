# SPDX-License-Identifier: Apache-2.0
"""A server and connections to it, each of as many turns as the test says; the last one stays until the next word."""
import os, select, sys
import nb

SIZE = 100


def serve(listener):
    poll, open_ones = select.epoll(), {listener.fileno(): listener}
    poll.register(listener, select.EPOLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                s = nb.accept(listener)
                open_ones[s.fileno()] = s
                poll.register(s, select.EPOLLIN)
                continue
            some = nb.recv_some(open_ones[fd])
            if some:
                nb.send_all(open_ones[fd], some)
            else:
                open_ones.pop(fd).close()


def talk(s, turns):
    for _ in range(turns):
        asked = nb.RANDOM.randbytes(SIZE)
        nb.send_all(s, asked)
        nb.same(nb.recv_exactly(s, SIZE), asked, "an answer")


listener = nb.listen()
address = listener.getsockname()
if (child := os.fork()) == 0:
    serve(listener)
last = None
while (words := nb.word().split()) and words[0] != "quit":
    if words[0] == "more":
        talk(last, int(words[1]))
    for _ in range(int(words[2]) if words[0] == "open" else 0):
        if last:
            last.close()
        last = nb.connect(address)
        talk(last, int(words[1]))
    nb.report(port=last.getsockname()[1])
os.kill(child, 9)
os.wait()
sys.exit(0)
