# SPDX-License-Identifier: Apache-2.0
"""One connection to an echo server: "talk" sends and compares what comes back, "quit" closes."""
import sys
import nb

client = nb.connect((nb.option("to", "127.0.0.1"), nb.option("port", 0)))
nb.report(ready=True)
for line in sys.stdin:
    if line.strip() == "quit":
        break
    data = nb.RANDOM.randbytes(nb.RANDOM.randint(1, 5000))
    nb.send_all(client, data)
    nb.same(nb.recv_exactly(client, len(data)), data, "echo")
    nb.report(talked=len(data))
client.close()
