# SPDX-License-Identifier: Apache-2.0
"""A writer whose reader sleeps: how much is taken, whether it is told to wait and when it may go on."""
import select, socket, time
import nb

MOST = 64 << 20
small = nb.option("rcvbuf", 0)
client, server = nb.pair(options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, small)] if small else ())
nb.warm(client, server)
data = nb.pattern(1 << 20)
sent, errors = 0, set()


def fill():
    """Send until nothing has been taken for a while."""
    global sent
    quiet = time.monotonic() + 0.3
    while time.monotonic() < quiet and sent < MOST:
        at = sent % (1 << 20)
        try:
            sent += client.send(data[at:at + nb.option("piece", 16384)])
            quiet = time.monotonic() + 0.3
        except BlockingIOError:
            nb.poll(client, select.POLLOUT, 0.02)
        except OSError as error:
            errors.add(nb.errno.errorcode[error.errno])
            return


fill()
taken = sent
busy = time.process_time()
quiet = nb.poll(client, select.POLLOUT, 0.5) == 0
busy = time.process_time() - busy
epoll = select.epoll()
epoll.register(client, select.EPOLLOUT | select.EPOLLET)
epoll.poll(0)
got = 0
woken = False
while got < sent:
    some = nb.recv_some(server, min(65536, sent - got))
    for start in range(0, len(some), 65536):
        at = (got + start) % (1 << 20)
        nb.same(some, (data + data)[at:at + len(some)], f"at {got}")
    got += len(some)
    woken = woken or bool(epoll.poll(0))
woken = woken or bool(epoll.poll(5))
nb.warm(client, server)
nb.report(taken=taken, quiet=quiet, woken=woken, busy=busy, errors=sorted(errors))
nb.word()
for _ in range(50):
    nb.warm(client, server)
nb.report(done=True)
