# SPDX-License-Identifier: Apache-2.0
"""An echo server that ends when the test says so."""
import select, sys
import nb

listener = nb.listen(nb.option("host", "127.0.0.1"), nb.option("port", 0))
nb.report(port=listener.getsockname()[1])
poll, sockets, waiting = select.poll(), {}, {}
poll.register(listener, select.POLLIN)
poll.register(sys.stdin, select.POLLIN)
while True:
    ready = poll.poll(nb.SECONDS * 1000)
    nb.check(ready, "nothing to do for too long")
    for fd, _ in ready:
        if fd == sys.stdin.fileno():
            nb.report(connections=len(sockets))
            sys.exit(0)
        if fd == listener.fileno():
            s = nb.accept(listener)
            sockets[s.fileno()] = s
            poll.register(s, select.POLLIN)
            continue
        try:
            some = sockets[fd].recv(65536)
        except BlockingIOError:
            continue
        if some:
            nb.send_all(sockets[fd], some)
        else:
            poll.unregister(fd)
            sockets[fd].close()
            sockets[fd] = None
