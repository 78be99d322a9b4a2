// SPDX-License-Identifier: Apache-2.0
/** nats-server, alone with JetStream and two in a cluster, and the client library for Node.js. */
import { Checks } from '../checks.js';
import type { Suite } from '../suite.js';

export const NATS: Suite = {
  name: 'nats',
  about: 'nats-server, one with JetStream and two in a cluster, with its Node.js client: order, requests, groups, streams, keys, objects',
  floor: { connections: 0.6, bytes: 0 },
  needs: ['nats-server'],
  async run(place) {
    const checks = new Checks();
    const server = async (name: string, port: number, more: readonly string[]): Promise<void> => {
      const running = place.start(['nats-server', '-a', '127.0.0.1', '-p', String(port), '--server_name', name, ...more]);
      await place.listening(running, port);
      await running.says('Server is ready');
    };
    await server('alone', 4222, ['-js', '-sd', place.path('streams')]);
    // JetStream in a cluster would want three of them.
    await server('first', 4223, ['--cluster_name', 'two', '--cluster', 'nats://127.0.0.1:6223']);
    await server('second', 4224, ['--cluster_name', 'two', '--cluster', 'nats://127.0.0.1:6224', '--routes', 'nats://127.0.0.1:6223']);
    await checks.driver('nats', place.run(place.driver('nats', 'ask', ...(place.short ? ['short'] : [])), { limitS: 180 }));
    return checks.outcomes;
  },
};
