# SPDX-License-Identifier: Apache-2.0
"""The client's port is used again at once, towards the same server and towards another one (dp-stale-tuple-aba)."""
import select, socket, struct
import nb

RESET = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
listeners = [nb.listen(), nb.listen()]
port = 0
total = 0
for turn in range(nb.option("rounds", 60)):
    listener = listeners[nb.RANDOM.randint(0, 1)]
    client = nb.connect(listener.getsockname(), bind=("127.0.0.1", port), options=[RESET])
    port = client.getsockname()[1]
    server = nb.accept(listener)
    for writer, reader in ((client, server), (server, client), (client, server)):
        data = nb.RANDOM.randbytes(500)
        nb.send_all(writer, data)
        nb.same(nb.recv_exactly(reader, 500), data, f"round {turn}")
        total += 500
    if turn % 2:
        nb.send_all(client, b"unread")
        total += 6
    client.close()
    nb.wait(server, select.POLLIN)
    server.close()
nb.report(bytes=total)
