# SPDX-License-Identifier: Apache-2.0
"""Messages of a power of two, one less and one more, each read before the next is sent."""
import nb

client, server = nb.pair()
total = messages = 0
for power in range(0, 17):
    for size in sorted({max(1, 2 ** power + by) for by in (-1, 0, 1)}):
        for writer, reader in ((client, server), (server, client)):
            data = nb.RANDOM.randbytes(size)
            nb.check(writer.send(data) == size, f"{size} bytes were not taken at once")
            nb.same(nb.recv_exactly(reader, size), data, f"message of {size}")
            if nb.option("counts", True):
                nb.check(nb.unread(reader) == 0, f"FIONREAD {nb.unread(reader)} after a message of {size}")
            total, messages = total + size, messages + 1
nb.report(bytes=total, messages=messages)
