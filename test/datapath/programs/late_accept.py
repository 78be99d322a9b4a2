# SPDX-License-Identifier: Apache-2.0
"""The client writes at once, the server accepts a second later and polls (dp-stall-recv-before-accept)."""
import select, time
import nb

listener = nb.listen()
clients = [nb.connect(listener.getsockname()) for _ in range(20)]
for number, client in enumerate(clients):
    nb.send_all(client, bytes([number]) * 100 * (number + 1))
time.sleep(1)
for _ in clients:
    server = nb.accept(listener)
    nb.check(nb.poll(server, select.POLLIN, 0.05), "not readable after accept")
    first = nb.recv_exactly(server, 1)
    nb.same(nb.recv_exactly(server, 100 * (first[0] + 1) - 1), first * (100 * (first[0] + 1) - 1), "early bytes")
    for _ in range(5):
        nb.warm(clients[first[0]], server)
nb.report(connections=len(clients))
