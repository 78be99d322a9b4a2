# SPDX-License-Identifier: Apache-2.0
"""Echoes on every connection until its input ends."""
import sys
import nb

listener = nb.listen(nb.option("host", "127.0.0.1"), nb.option("port", 0))
nb.report(port=listener.getsockname()[1])
nb.echo(listener, sys.stdin)
