# SPDX-License-Identifier: Apache-2.0
"""A server and connections to it, each of as many turns as the test says; the last one stays until the next word."""
import os
import nb

SIZE = 100


def talk(s, turns):
    for _ in range(turns):
        asked = nb.RANDOM.randbytes(SIZE)
        nb.send_all(s, asked)
        nb.same(nb.recv_exactly(s, SIZE), asked, "an answer")


listener = nb.listen()
address = listener.getsockname()
if (child := os.fork()) == 0:
    nb.echo(listener)
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
