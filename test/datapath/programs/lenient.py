# SPDX-License-Identifier: Apache-2.0
"""A client that blocks, where the operator accepts it: what it reads is right; what a wait without data looks like."""
import errno, socket, threading
import nb

listener = nb.listen()
client = socket.create_connection(listener.getsockname())
server = nb.accept(listener)
for turn in range(20):
    data = nb.RANDOM.randbytes(5000)
    nb.send_all(server, data)
    got = b""
    while len(got) < len(data):
        got += client.recv(65536)
    nb.same(got, data, f"turn {turn}")
    client.sendall(data)
    nb.same(nb.recv_exactly(server, len(data)), data, f"answer {turn}")
threading.Timer(0.2, client.shutdown, [socket.SHUT_WR]).start()
threading.Timer(0.5, server.send, [b"end"]).start()
try:
    woken = f"{len(client.recv(100))} bytes"
except OSError as error:
    woken = errno.errorcode[error.errno]
nb.report(woken=woken)
