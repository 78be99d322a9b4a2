# SPDX-License-Identifier: Apache-2.0
"""The service manager's end of sd_notify: a datagram socket whose every message is reported."""
import os, select, socket, sys
import nb

path = nb.option("path", "")
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(path)
nb.report(ready=True)
while True:
    readable, _, _ = select.select([manager, sys.stdin], [], [])
    if sys.stdin in readable:
        break
    nb.report(said=manager.recv(4096).decode().split("\n"))
os.unlink(path)
