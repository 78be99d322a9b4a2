# SPDX-License-Identifier: Apache-2.0
"""Echoes on every connection until its input ends."""
import select, sys
import nb

listener = nb.listen(nb.option("host", "127.0.0.1"), nb.option("port", 0))
nb.report(port=listener.getsockname()[1])
poll, ends = select.poll(), {}
for source in (listener, sys.stdin):
    poll.register(source, select.POLLIN)
while True:
    for fd, _ in poll.poll():
        if fd == sys.stdin.fileno():
            sys.exit(0)
        if fd == listener.fileno():
            end = nb.accept(listener)
            ends[end.fileno()] = end
            poll.register(end, select.POLLIN)
            continue
        some = nb.recv_some(ends[fd])
        if some:
            nb.send_all(ends[fd], some)
        else:
            poll.unregister(fd)
            ends.pop(fd).close()
