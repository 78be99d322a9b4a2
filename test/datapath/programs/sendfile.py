# SPDX-License-Identifier: Apache-2.0
"""A file of 3 MiB through sendfile, read while it is sent."""
import os, select, tempfile
import nb

client, server = nb.pair()
data = nb.RANDOM.randbytes(3 << 20)
with tempfile.TemporaryFile() as file:
    file.write(data)
    file.flush()
    sent, got = 0, bytearray()
    while len(got) < len(data):
        if sent < len(data):
            try:
                sent += os.sendfile(client.fileno(), file.fileno(), sent, len(data) - sent)
            except BlockingIOError:
                pass
        if nb.poll(server, select.POLLIN, 0 if sent < len(data) else nb.SECONDS):
            got += nb.recv_some(server)
nb.same(bytes(got), data, "file")
nb.report(bytes=len(data))
