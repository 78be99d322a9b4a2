# SPDX-License-Identifier: Apache-2.0
"""Turns between a client that reads at once and a server that lets each message wait."""
import time
import nb

client, server = nb.pair()
for _ in range(nb.option("turns", 130)):
    client.send(b"question")
    time.sleep(nb.option("wait", 0.005))
    nb.same(nb.recv_exactly(server, 8), b"question", "question")
    server.send(b"answer")
    nb.same(nb.recv_exactly(client, 6), b"answer", "answer")
nb.report(done=True)
