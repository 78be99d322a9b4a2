# SPDX-License-Identifier: Apache-2.0
"""Half-close with bytes still unread, then an answer, sometimes late. Exactly what was taken comes before the end."""
import select, socket, time
import nb

rounds, size, delay = nb.option("rounds", 300), nb.option("size", 1 << 20), nb.option("delay", 0.002)
data = nb.pattern(size)
total = 0
for turn in range(rounds):
    client, server = nb.pair()
    nb.warm(client, server)
    first, second = (client, server) if turn % 2 else (server, client)
    sent = 0
    while sent < size:
        try:
            sent += first.send(data[sent:sent + 65536])
        except BlockingIOError:
            break
    first.shutdown(socket.SHUT_WR)
    time.sleep(delay)
    nb.same(nb.recv_to_end(second), data[:sent], f"round {turn}")
    nb.check(nb.error_of(lambda: first.send(b"x")) == "EPIPE", "a send after shutdown was taken")
    if turn % 30 == 0:
        time.sleep(0.05)
    nb.check(nb.error_of(lambda: first.recv(1)) == "EAGAIN", "the half-close ended the other direction")
    nb.send_all(second, b"answer" * 1000)
    second.shutdown(socket.SHUT_WR)
    nb.same(nb.recv_to_end(first), b"answer" * 1000, f"answer {turn}")
    first.close()
    second.close()
    total += sent + 6000
nb.report(bytes=total)
