# SPDX-License-Identifier: Apache-2.0
"""One end closes with bytes unread, having sent an answer; the other then reads the answer, the end, and writes."""
import select, time
import nb

client, server = nb.pair()
nb.warm(client, server)
if nb.option("unread", True):
    nb.send_all(client, b"u" * 1000)
nb.send_all(server, b"a" * 2000)
server.close()
time.sleep(0.1)
got, end = 0, ""
while not end:
    nb.wait(client, select.POLLIN, 5)
    try:
        some = client.recv(500)
        got, end = got + len(some), "" if some else "EOF"
    except OSError as error:
        end = nb.errno.errorcode[error.errno]
write = ""
for _ in range(200):
    write = nb.error_of(lambda: client.send(b"x"))
    if write:
        break
    time.sleep(0.001)
client.close()
nb.report(got=got, end=end, write=write)
