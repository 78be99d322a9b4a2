# SPDX-License-Identifier: Apache-2.0
"""A connection with a fixed 4-tuple: two namespaces have the same one at the same time."""
import nb

listener = nb.listen(port=7000)
client = nb.connect(("127.0.0.1", 7000), bind=("127.0.0.1", 7001))
server = nb.accept(listener)
nb.report(ready=True)
nb.word()
total = 0
for turn in range(200):
    for writer, reader in ((client, server), (server, client)):
        data = nb.RANDOM.randbytes(1000)
        nb.send_all(writer, data)
        nb.same(nb.recv_exactly(reader, 1000), data, f"round {turn}")
        total += 1000
nb.report(bytes=total)
nb.word()
