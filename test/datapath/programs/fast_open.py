# SPDX-License-Identifier: Apache-2.0
"""TCP Fast Open: the first connection gets a cookie, the second sends its first bytes with the SYN."""
import select, socket
import nb

MSG_FASTOPEN, TCP_FASTOPEN = 0x20000000, 23
listener = nb.listen(options=[(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)])
for turn in range(3):
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    data = nb.RANDOM.randbytes(500)
    try:
        sent = client.sendto(data, MSG_FASTOPEN, listener.getsockname())
    except BlockingIOError:
        sent = 0
    nb.wait(client, select.POLLOUT)
    server = nb.accept(listener)
    nb.send_all(client, data[sent:])
    nb.same(nb.recv_exactly(server, 500), data, f"turn {turn}")
    for _ in range(3):
        nb.warm(client, server)
    with_syn = bool(sent)
nb.report(with_syn=with_syn)
