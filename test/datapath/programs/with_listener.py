"""Becomes another program, with a listener that shares its port at descriptor 3. Options: port, command."""
import json, os, socket, sys

options = json.loads(sys.argv[1])
sock = socket.socket()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
sock.bind(("0.0.0.0", options["port"]))
sock.listen(511)
os.dup2(sock.fileno(), 3)
os.set_inheritable(3, True)
os.execv(options["command"][0], options["command"])
