# SPDX-License-Identifier: Apache-2.0
"""One of two programs whose connections have the same addresses in two namespaces and begin at the same instants.

Options: cpu, rounds, every (seconds between two connections). Told when to begin, in seconds of the monotonic clock.
"""
import os, socket, struct, time
import nb

RESET = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

os.sched_setaffinity(0, {nb.option("cpu", 0)})
listener = nb.listen(port=7000)
nb.report(ready=True)
begin = float(nb.word())
for turn in range(nb.option("rounds", 300)):
    at = begin + turn * nb.option("every", 0.004)
    while time.monotonic() < at:
        pass
    client = nb.connect(("127.0.0.1", 7000), bind=("127.0.0.1", 7001), options=[RESET])
    server = nb.accept(listener)
    # Whose bytes arrive is told by what they say: never the twin's, which has the same addresses.
    for writer, reader, end in ((client, server, "asks"), (server, client, "answers")):
        data = b"%-8s %d %5d" % (end.encode(), os.getpid(), turn)
        nb.send_all(writer, data)
        nb.same(nb.recv_exactly(reader, len(data)), data, f"round {turn}: what the {'client' if writer is client else 'server'} {end}")
    client.close()
    server.close()
nb.report(done=True)
