# SPDX-License-Identifier: Apache-2.0
"""Many connections at once, each with payloads of its own both ways."""
import resource, select
import nb
from flow import Flow, pump

count, size = nb.option("count", 1000), nb.option("size", 3000)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))

listener = nb.listen()
clients = {}
servers = {}
for _ in range(count):
    client = nb.connect(listener.getsockname())
    clients[client.getsockname()[1]] = client
while len(servers) < count:
    server = nb.accept(listener)
    servers[server.getpeername()[1]] = server

flows = []
for port, client in clients.items():
    for writer, reader in ((client, servers[port]), (servers[port], client)):
        flows.append(Flow(writer, reader, nb.RANDOM.randbytes(size), lambda: nb.RANDOM.randint(1, 2000)))
pump(flows)
nb.check(len({bytes(flow.got) for flow in flows}) == 2 * count, "two connections read the same bytes")
for flow in flows:
    nb.check(nb.error_of(lambda: flow.reader.recv(1)) == "EAGAIN", "more bytes than were sent")
nb.report(bytes=2 * count * size)
