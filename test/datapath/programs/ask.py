# SPDX-License-Identifier: Apache-2.0
"""A client of serve.py: bytes there and back; stays connected until the test says so."""
import nb

client = nb.connect((nb.option("host", "127.0.0.1"), nb.option("port", 0)))
total = 0
for turn in range(nb.option("rounds", 50)):
    data = nb.RANDOM.randbytes(nb.RANDOM.randint(1, 20_000))
    nb.send_all(client, data)
    nb.same(nb.recv_exactly(client, len(data)), data, f"round {turn}")
    total += 2 * len(data)
nb.report(bytes=total)
nb.word()
client.close()
