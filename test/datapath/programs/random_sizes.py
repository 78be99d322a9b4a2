# SPDX-License-Identifier: Apache-2.0
"""Messages of random sizes both ways at once, read in random bites."""
import nb
from flow import Flow, pump

client, server = nb.pair(nb.option("host", "127.0.0.1"), nb.option("to", None))
total = 0
for _ in range(nb.option("rounds", 100)):
    sizes = [nb.RANDOM.choice((1, 7, 64, 1000, 4096, 16384, 65536, nb.RANDOM.randint(1, 70000))) for _ in range(2)]
    there, back = (nb.RANDOM.randbytes(size) for size in sizes)
    bites = lambda: nb.RANDOM.randint(1, 70000)
    pump([Flow(client, server, there, lambda: 70000, bites), Flow(server, client, back, bites, bites)])
    total += sum(sizes)
nb.report(bytes=total)
