# SPDX-License-Identifier: Apache-2.0
"""A program that reads plainly, then asks how much there is, and goes on."""
import nb

client, server = nb.pair()
nb.warm(client, server)
nb.send_all(client, b"x" * 500)
nb.same(nb.recv_exactly(server, 500), b"x" * 500, "before")
nb.unread(server)
nb.report(asked=True)
nb.word()
for _ in range(10):
    data = nb.RANDOM.randbytes(nb.RANDOM.randint(1, 5000))
    nb.send_all(client, data)
    nb.wait(server, 1)
    got = b""
    while len(got) < len(data):
        nb.wait(server, 1)
        got += server.recv(nb.unread(server))
    nb.same(got, data, "after")
nb.report(ok=True)
