# SPDX-License-Identifier: Apache-2.0
"""Many connections to one listener, open until the test says something: each sends 10 bytes, and gets 20."""
import nb

listener = nb.listen()
clients = [nb.connect(listener.getsockname()) for _ in range(nb.option("count", 100))]
servers = [nb.accept(listener) for _ in clients]
for writers, readers, size in ((clients, servers, 10), (servers, clients, 20)):
    for end in writers:
        nb.send_all(end, bytes(size))
    for end in readers:
        nb.recv_exactly(end, size)
nb.report(ready=True)
nb.word()
