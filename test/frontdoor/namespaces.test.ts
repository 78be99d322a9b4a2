// SPDX-License-Identifier: Apache-2.0
// From one host through the door of a second to a backend on a third, each a network namespace of its own.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { doorConfig } from '../helpers/door-config.js';
import { withPods } from '../helpers/pods.js';
import { Program, startPython, type Report } from '../helpers/program.js';

const shapes = '../../frontdoor/programs/shapes.py';

async function through(door: { address: string; backend: string }): Promise<void> {
  await withPods(async ({ router, a, b }) => {
    const traffic = { connections: 16, seed: 99 };
    const server = startPython(shapes, { ...traffic, serve: [door.backend, 9000] }, { netns: b });
    await server.next();
    const config = doorConfig({ address: door.address, port: 80, backends: [{ address: door.backend, port: 9000, weight: 1 }] });
    const process_ = new Program([process.execPath, fileURLToPath(new URL('../helpers/door-process.js', import.meta.url)), JSON.stringify(config)], { netns: router });
    await process_.next();
    const client = startPython(shapes, { ...traffic, call: [door.address, 80] }, { netns: a });
    const [fromClient] = await client.end(), [fromServer] = await server.end();
    const hashes = { ...fromClient!['hashes'], ...fromServer!['hashes'] } as Record<string, string>;
    assert.equal(Object.keys(hashes).length, 64);
    for (const [key, digest] of Object.entries(hashes)) assert.equal(hashes[key.replace('sent', 'got')], digest, key);
    process_.say();
    const totals: Report = await process_.next();
    assert.equal((totals['outcomes'] as Record<string, number>)['closed'], 16);
    process_.child.stdin!.end();
    await process_.end();
  });
}

describe('the front door between network namespaces', () => {
  it('passes every byte on, over IPv4', () => through({ address: '10.77.1.1', backend: '10.77.2.2' })).timeout(60_000);
  it('passes every byte on, over IPv6', () => through({ address: 'fd77:1::1', backend: 'fd77:2::2' })).timeout(60_000);
});
