# SPDX-License-Identifier: Apache-2.0
"""10,000 small messages; the reader takes 1 to n bytes at a time."""
import nb

client, server = nb.pair()
want, got = bytearray(), bytearray()
for number in range(10_000):
    message = nb.RANDOM.randbytes(nb.RANDOM.randint(1, 120))
    nb.send_all(client, message)
    want += message
    while len(got) < len(want) and nb.RANDOM.random() < 0.55:
        got += nb.recv_some(server, nb.RANDOM.randint(1, 200))
    if number % 997 == 0:
        got += nb.recv_exactly(server, len(want) - len(got))
    nb.check(want[max(0, len(got) - 500):len(got)] == got[-500:], f"wrong bytes before {len(got)}")
got += nb.recv_exactly(server, len(want) - len(got))
nb.same(bytes(got), bytes(want), "stream")
nb.report(bytes=len(want))
