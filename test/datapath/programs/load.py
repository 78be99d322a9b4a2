# SPDX-License-Identifier: Apache-2.0
"""Traffic on several connections until the test says stop: echoes with readers that now and then fall behind."""
import select, sys
import nb

count = nb.option("connections", 8)
pairs = [nb.pair() for _ in range(count)]
streams = [nb.pattern(1 << 18, number) * 2 for number in range(count)]
sent, echoed, got = [0] * count, [b""] * count, [0] * count


def echo(number, server):
    """Send back what the server has read, as far as it goes."""
    if echoed[number]:
        try:
            echoed[number] = echoed[number][server.send(echoed[number]):]
        except BlockingIOError:
            pass


def step(number):
    client, server = pairs[number]
    stream = streams[number]
    if sent[number] - got[number] < 200_000:
        at = sent[number] % (1 << 18)
        try:
            sent[number] += client.send(stream[at:at + nb.RANDOM.randint(1, 30_000)])
        except BlockingIOError:
            pass
    if nb.RANDOM.random() < 0.7:
        try:
            echoed[number] += server.recv(nb.RANDOM.randint(1, 60_000))
        except BlockingIOError:
            pass
    echo(number, server)
    if nb.RANDOM.random() < 0.7:
        try:
            some = client.recv(60_000)
        except BlockingIOError:
            return
        nb.check(some, "end of file")
        at = got[number] % (1 << 18)
        nb.same(some, stream[at:at + len(some)], f"connection {number} at {got[number]}")
        got[number] += len(some)


for number in range(count):
    nb.warm(*pairs[number])
nb.report(ready=True)
while not nb.spoken():
    for number in range(count):
        step(number)
deadline = nb.SECONDS * 1000
for number, (client, server) in enumerate(pairs):
    client.shutdown(nb.socket.SHUT_WR)
    p = select.poll()
    p.register(client, select.POLLIN)
    p.register(server, select.POLLIN)
    while got[number] < sent[number]:
        nb.check(p.poll(deadline) or echoed[number], f"connection {number} stuck at {got[number]} of {sent[number]}")
        try:
            echoed[number] += server.recv(60_000)
        except BlockingIOError:
            pass
        echo(number, server)
        try:
            some = client.recv(60_000)
        except BlockingIOError:
            continue
        at = got[number] % (1 << 18)
        nb.same(some, streams[number][at:at + len(some)], f"connection {number} at {got[number]}")
        got[number] += len(some)
nb.report(bytes=sum(sent), connections=count)
