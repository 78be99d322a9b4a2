# SPDX-License-Identifier: Apache-2.0
"""A program that is known to read without blocking opens a connection that blocks."""
import socket, time
import nb

listener = nb.listen()


def turns(client, server):
    for _ in range(3):
        for a, b in ((client, server), (server, client)):
            a.sendall(b"x" * 100)
            nb.recv_exactly(b, 100)


client = nb.connect(listener.getsockname())
turns(client, nb.accept(listener))
client.close()
blocking = socket.create_connection(listener.getsockname())
server = nb.accept(listener)
nb.report(port=blocking.getsockname()[1])
nb.word()
server.sendall(b"y" * 10)
got = len(blocking.recv(100))
time.sleep(0.15)
server.sendall(b"y" * 10)
nb.report(got=got + len(blocking.recv(100)))
nb.word()
