# SPDX-License-Identifier: Apache-2.0
"""Bytes sent before accept, between accept and the first read, and later: read in the order of sending."""
import select, socket, time
import nb

defer = nb.option("defer", False)
listener = nb.listen(options=[(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)] if defer else ())
for turn in range(nb.option("rounds", 60)):
    client = nb.connect(listener.getsockname())
    data = nb.RANDOM.randbytes(nb.RANDOM.randint(4, 9000))
    cuts = sorted(nb.RANDOM.randint(1, len(data)) for _ in range(3))
    nb.send_all(client, data[:cuts[0]])
    if turn % 3 == 0:
        time.sleep(0.005)
    nb.send_all(client, data[cuts[0]:cuts[1]])
    server = nb.accept(listener)
    nb.send_all(client, data[cuts[1]:cuts[2]])
    got = nb.recv_exactly(server, nb.RANDOM.randint(1, cuts[2]))
    nb.send_all(client, data[cuts[2]:])
    nb.same(got + nb.recv_exactly(server, len(data) - len(got)), data, f"round {turn}")
    # Everything has been read: from here on the bytes go around.
    for _ in range(3):
        data = nb.RANDOM.randbytes(2000)
        nb.send_all(client, data)
        nb.same(nb.recv_exactly(server, 2000), data, f"round {turn}, later")
    nb.send_all(server, data)
    nb.same(nb.recv_exactly(client, 2000), data, f"round {turn}, answer")
    client.close()
    server.close()
nb.report(late=nb.option("rounds", 60) * 8000)
