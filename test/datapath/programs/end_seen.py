# SPDX-License-Identifier: Apache-2.0
"""A half-close wakes the reader: the bytes, then the end, within one event (dp-fin-not-seen)."""
import select, socket
import nb

for turn in range(nb.option("rounds", 200)):
    client, server = nb.pair()
    nb.warm(client, server)
    epoll = select.epoll()
    edge = select.EPOLLET if turn % 2 else 0
    epoll.register(server, select.EPOLLIN | select.EPOLLRDHUP | edge)
    epoll.poll(0)
    client.send(b"0123456789")
    client.shutdown(socket.SHUT_WR)
    events = epoll.poll(5)
    nb.check(len(events) == 1, f"round {turn}: no event")
    nb.same(nb.recv_to_end(server), b"0123456789", "last bytes")
    epoll.close()
    client.close()
    server.close()
nb.report(bytes=10 * nb.option("rounds", 200))
