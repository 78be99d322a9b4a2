# SPDX-License-Identifier: Apache-2.0
"""A client shuts down its sending at once; the server goes on for a while, a little at a time, and closes."""
import sys, time
import nb

if nb.option("port", 0):
    s = nb.connect((nb.option("host", ""), nb.option("port", 0)))
    nb.send_all(s, b"q")
    nb.recv_exactly(s, 1)
    s.shutdown(1)
    nb.report(got=len(nb.recv_to_end(s)))
    sys.exit(0)
listener = nb.listen(nb.option("host", ""), 8080)
nb.report(port=8080)
s = nb.accept(listener)
nb.send_all(s, nb.recv_exactly(s, 1))
nb.recv_to_end(s)
for _ in range(nb.option("times", 0)):
    nb.send_all(s, b"x" * 100)
    time.sleep(0.1)
s.close()
nb.word()
