# SPDX-License-Identifier: Apache-2.0
"""One end closes with bytes unread; the other then reads and writes."""
import select, time
import nb

client, server = nb.pair()
nb.warm(client, server)
if nb.option("unread", True):
    nb.send_all(client, b"u" * 1000)
server.close()
nb.wait(client, select.POLLIN, 5)
end = nb.error_of(lambda: nb.check(client.recv(1) == b"", "bytes instead of an end")) or "EOF"
write = ""
for _ in range(200):
    write = nb.error_of(lambda: client.send(b"x"))
    if write:
        break
    time.sleep(0.001)
client.close()
nb.report(end=end, write=write)
