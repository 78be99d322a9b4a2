# SPDX-License-Identifier: Apache-2.0
"""Many connections that stay open: "talk" sends on each, both ways, and compares."""
import resource, sys
import nb

count = nb.option("count", 1000)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
listener = nb.listen()
ends = []
for _ in range(count):
    client = nb.connect(listener.getsockname())
    ends.append((client, nb.accept(listener)))
nb.report(ready=True)
for line in sys.stdin:
    if line.strip() == "quit":
        break
    for client, server in ends:
        data = nb.RANDOM.randbytes(200)
        for writer, reader in ((client, server), (server, client)):
            nb.send_all(writer, data)
            nb.same(nb.recv_exactly(reader, len(data)), data, "one of many")
    nb.report(talked=True)
for client, server in ends:
    client.close()
    server.close()
