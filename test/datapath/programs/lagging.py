# SPDX-License-Identifier: Apache-2.0
"""A reader that lags behind and catches up, again and again: bytes take both paths within one stream."""
import nb

client, server = nb.pair()
total, sent, got = nb.option("bytes", 16 << 20), 0, 0
data = nb.pattern(1 << 20) * 2
while got < total:
    target = got + nb.RANDOM.choice((1, 5000, 100_000, 900_000))
    while sent < min(target, total):
        piece = min(nb.RANDOM.randint(1, 40_000), total - sent)
        at = sent % (1 << 20)
        try:
            sent += client.send(data[at:at + piece])
        except BlockingIOError:
            break
    goal = sent if nb.RANDOM.random() < 0.3 else nb.RANDOM.randint(got, sent)
    while got < goal:
        some = nb.recv_some(server, nb.RANDOM.randint(1, 70_000))
        at = got % (1 << 20)
        nb.same(some, data[at:at + len(some)], f"at {got}")
        got += len(some)
nb.report(bytes=total)
