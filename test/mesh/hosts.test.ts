// SPDX-License-Identifier: Apache-2.0
/** Two hosts, one agent each, a real broker: a connection to a virtual address reaches an endpoint of the other host. */
import assert from 'node:assert/strict';
import '../helpers/kernel-lock.js';
import { withHosts } from '../helpers/mesh-hosts.js';

const web = { name: 'web', addresses: ['10.96.0.1'], port: 80, local: { port: 8080 } };

describe('mesh: two hosts', function () {
  this.timeout(60_000);

  it('reach a service of the other host by its virtual address', () => withHosts(async (a, b) => {
    await Promise.all([a.start([web]), b.start([web])]);
    const server = b.ground.program('serve.py', { host: '0.0.0.0', port: 8080 });
    await server.next();
    await a.knows('10.77.2.2');
    const client = a.ground.program('ask.py', { host: '10.96.0.1', port: 80, rounds: 5 });
    assert.ok((await client.next())['bytes'] > 0);
    assert.equal(a.services()[0]!.connections, 1);
    client.say();
    await client.end();
    assert.equal(a.services()[0]!.connections, 0);
    await server.kill();
    // The owner says that it has gone.
    await a.knows();
  }));
});
