# SPDX-License-Identifier: Apache-2.0
"""A writer sleeps until it may write; its reader, who has read nothing for a while, goes away."""
import os, select, signal, time
import nb

listener = nb.listen()
child = os.fork()
if child == 0:
    reader = nb.connect(listener.getsockname())
    nb.recv_exactly(reader, 1)
    nb.send_all(reader, b"r")
    while True:
        time.sleep(0.0005 if nb.option("reads", False) else 30)
        nb.recv_some(reader, 5000)
writer = nb.accept(listener)
nb.send_all(writer, b"w")
nb.recv_exactly(writer, 1)
stop = time.monotonic() + 0.3
while time.monotonic() < stop or nb.poll(writer, select.POLLOUT):
    try:
        writer.send(b"x" * 20_000)
    except BlockingIOError:
        nb.poll(writer, select.POLLOUT, 0.05)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
start = time.monotonic()
woken = bool(nb.poll(writer, select.POLLOUT, 5))
nb.report(woken=woken, seconds=round(time.monotonic() - start, 1), error=nb.error_of(lambda: writer.send(b"x")))
