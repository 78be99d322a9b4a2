# SPDX-License-Identifier: Apache-2.0
"""The peer is killed while bytes are on the way both ways: the survivor's reads and writes end, with TCP's errors."""
import os, select, signal, time
import nb

ends = {}
for turn in range(nb.option("rounds", 20)):
    listener = nb.listen()
    child = os.fork()
    if child == 0:
        client = nb.connect(listener.getsockname())
        while True:
            try:
                client.send(b"c" * 20000)
                client.recv(5000)
            except BlockingIOError:
                nb.poll(client, select.POLLIN | select.POLLOUT, 1)
    server = nb.accept(listener)
    listener.close()
    stop = time.monotonic() + 0.03 + nb.RANDOM.random() * 0.03
    killed, deadline, end = False, time.monotonic() + 10, ""
    while not end:
        nb.check(time.monotonic() < deadline, "the survivor never saw the end")
        if not killed and time.monotonic() > stop:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            killed = True
        for call in (lambda: server.send(b"s" * 3000), lambda: server.recv(7000)):
            try:
                end = "EOF" if call() == b"" else end
            except BlockingIOError:
                pass
            except OSError as error:
                end = nb.errno.errorcode[error.errno]
    server.close()
    ends[end] = ends.get(end, 0) + 1
nb.report(**ends)
