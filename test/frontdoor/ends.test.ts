// SPDX-License-Identifier: Apache-2.0
// Nobody can tell by how a connection ends that there is a door in it.
import assert from 'node:assert/strict';
import { eventually } from '../helpers/kernel.js';
import { withDoor } from '../helpers/door.js';
import { startPython, type Report } from '../helpers/program.js';

const program = (name: string): string => `../../frontdoor/programs/${name}.py`;

async function endsAlike(host: string): Promise<void> {
  await withDoor({ address: host }, async (door) => {
    const ends = startPython(program('ends'), { host }, {});
    const { port } = await ends.next() as { port: number };
    door.to(port);
    ends.say(String(door.port));
    const reports = await ends.end();
    assert.equal(reports.length, 12);
    for (const { scenario, straight, door: through } of reports) assert.deepEqual(through, straight, String(scenario));
    await eventually(() => (door.active() === 0 ? '' : `${door.active()} connections are left`));
  });
}

describe('the end of a connection through the front door', () => {
  it('is what it is without one: half-close, reset, close with bytes unread (dp-fin-not-seen, dp-fin-overtakes-queued-data)', () => endsAlike('127.0.0.1'));

  it('likewise over IPv6', () => endsAlike('::1'));
});

describe('many connections at once, in mixed sizes and paces', () => {
  it('arrive byte for byte in both directions (dp-sndbuf-full-broken, dp-eagain-retry-loses-data)', () => withDoor({}, async (door) => {
    const shapes = startPython(program('shapes'), { serve: ['127.0.0.1', 0], call: ['127.0.0.1', 0], connections: 24, seed: 17 }, {});
    const { port } = await shapes.next() as { port: number };
    door.to(port);
    shapes.say(String(door.port));
    const [report] = await shapes.end();
    assertEqualHashes(report!, 48);
    await eventually(() => (door.totals().outcomes.closed === 24 ? '' : JSON.stringify(door.totals().outcomes)));
  })).timeout(60_000);
});

function assertEqualHashes({ hashes }: Report, flows: number): void {
  const sent = Object.entries(hashes as Record<string, string>).filter(([key]) => key.startsWith('sent '));
  assert.equal(sent.length, flows);
  for (const [key, digest] of sent) assert.equal((hashes as Record<string, string>)[key.replace('sent', 'got')], digest, key);
}
