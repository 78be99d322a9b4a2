# SPDX-License-Identifier: Apache-2.0
"""1024 pieces in one call: the most that the kernel takes."""
import os, select
import nb

client, server = nb.pair()
total = 0
for size in (1, 3, 17, 64, 200):
    for writer, reader in ((client, server), (server, client)):
        pieces = [nb.RANDOM.randbytes(size) for _ in range(1024)]
        want = b"".join(pieces)
        sent = os.writev(writer.fileno(), pieces)
        nb.check(0 < sent <= len(want), f"writev returned {sent}")
        got = nb.recv_exactly(reader, sent)
        nb.send_all(writer, want[sent:])
        nb.same(got + nb.recv_exactly(reader, len(want) - sent), want, "writev")
        total += len(want)
nb.report(bytes=total)
