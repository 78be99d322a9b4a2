# SPDX-License-Identifier: Apache-2.0
"""Asks for kernel TLS on a connection that is enrolled already."""
import nb

client, server = nb.pair()
nb.warm(client, server)
error = nb.error_of(lambda: client.setsockopt(nb.socket.IPPROTO_TCP, 31, b"tls"))
data = nb.RANDOM.randbytes(1000)
nb.send_all(client, data)
nb.same(nb.recv_exactly(server, 1000), data, "after the attempt")
nb.report(error=error)
