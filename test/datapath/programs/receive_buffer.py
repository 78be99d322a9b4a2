# SPDX-License-Identifier: Apache-2.0
"""What becomes of a receive buffer that is asked for: reports what the kernel says afterwards."""
import socket
import nb


def asked(size):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


nb.report(small=asked(nb.option("small", 0)), large=asked(nb.option("large", 0)))
