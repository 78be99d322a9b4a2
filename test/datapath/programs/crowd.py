# SPDX-License-Identifier: Apache-2.0
"""More connections than the map may hold. All carry their bytes."""
import nb
from flow import Flow, pump

pairs = [nb.pair() for _ in range(nb.option("connections", 5))]
flows = []
for client, server in pairs:
    flows += [Flow(client, server, nb.RANDOM.randbytes(50_000)), Flow(server, client, nb.RANDOM.randbytes(50_000))]
pump(flows)
nb.report(bytes=100_000 * len(pairs))
nb.word()
nb.report(done=True)
