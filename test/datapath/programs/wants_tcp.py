# SPDX-License-Identifier: Apache-2.0
"""A connection whose client has set a socket option before it connects. It must work as it does on TCP."""
import select, socket
import nb

SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
name = nb.option("option", "zerocopy")
number, value = {"zerocopy": (SO_ZEROCOPY, 1), "rcvlowat": (socket.SO_RCVLOWAT, 1000)}[name]
listener = nb.listen()
client = nb.connect(listener.getsockname(), options=[(socket.SOL_SOCKET, number, value)])
server = nb.accept(listener)
if name == "zerocopy":
    client.send(b"x" * 20000, MSG_ZEROCOPY)
    nb.recv_exactly(server, 20000)
    completed = bool(nb.poll(client, select.POLLERR, 1) & select.POLLERR)
    nb.report(right=completed)
else:
    nb.send_all(server, b"x" * 500)
    early = nb.poll(client, select.POLLIN, 0.05)
    nb.send_all(server, b"x" * 600)
    nb.report(right=not early and bool(nb.poll(client, select.POLLIN, 1)))
