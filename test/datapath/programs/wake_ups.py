# SPDX-License-Identifier: Apache-2.0
"""Two processes that sleep in epoll until the other has sent: every message must wake its reader."""
import os, select, sys
import nb

rounds, edge = nb.option("rounds", 2000), select.EPOLLET if nb.option("edge", True) else 0


def turn(s, epoll, number, size):
    """Wait for `size` bytes that all say `number`."""
    got = 0
    while got < size:
        nb.check(epoll.poll(5), f"round {number}: not woken, {got} of {size} read")
        while True:
            try:
                some = s.recv(65536)
            except BlockingIOError:
                break
            nb.check(some, f"round {number}: end of file")
            nb.check(some == bytes([number & 255]) * len(some), f"round {number}: bytes of another round")
            got += len(some)
            if got == size or not edge:
                break


def play(s, mine_first):
    epoll = select.epoll()
    epoll.register(s, select.EPOLLIN | edge)
    sizes = nb.random.Random(7)
    for number in range(rounds):
        size = sizes.choice((1, 64, 1000, 20_000))
        for mine in (mine_first, not mine_first):
            if mine:
                nb.send_all(s, bytes([number & 255]) * size)
            else:
                turn(s, epoll, number, size)


listener = nb.listen()
child = os.fork()
if child == 0:
    play(nb.accept(listener), False)
    os._exit(0)
play(nb.connect(listener.getsockname()), True)
nb.check(os.waitpid(child, 0)[1] == 0, "the other process failed")
nb.report(messages=2 * rounds)
