// SPDX-License-Identifier: Apache-2.0
/** What one host has learned of a program spares another the learning. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { ProfileRow } from '../../agent/guard/view.js';
import { buildDriver } from '../bench/build.js';
import '../helpers/kernel-lock.js';
import { eventually } from '../helpers/kernel.js';
import { withHosts, type MeshHost } from '../helpers/mesh-hosts.js';

const kept = ({ ground }: MeshHost): ProfileRow | undefined => (ground.profiles() as ProfileRow[]).find(({ comm }) => comm === 'rtt');

async function redirectedBy({ ground, netns }: MeshHost, driver: string): Promise<number> {
  const before = ground.counters().messages.redirected;
  const talk = [driver, '--mode', 'rtt', '--count', '50000', '--nodelay', '--json'];
  await ground.command(['nsenter', `--net=/run/netns/${netns}`, ...talk]).end();
  return ground.counters().messages.redirected - before;
}

describe('mesh: profiles', () => {
  it('are shared by build: a host that would watch a thousand connections first believes another that has', () => withHosts(async (a, b) => {
    const driver = await buildDriver();
    const patient = { 'guard.window.connections': '1000' };
    await b.start([], patient);
    assert.equal(await redirectedBy(b, driver), 0, 'nobody knows it yet');
    await a.start([]);
    assert.ok((await redirectedBy(a, driver)) > 100);
    await eventually(() => (kept(b)?.from === 'bus' ? '' : JSON.stringify(kept(b))), 5000);
    assert.equal(kept(b)?.program, kept(a)?.program);
    assert.ok((await redirectedBy(b, driver)) > 100, 'on the word of the other');

    // It stands without the host that said it, and reaches an agent that comes later.
    await a.agent!.stop();
    await b.agent!.stop();
    await b.start([], patient);
    await eventually(() => (kept(b)?.from === 'bus' ? '' : JSON.stringify(kept(b))), 5000);
    assert.ok((await redirectedBy(b, driver)) > 100);
    await b.agent!.stop();
    await b.start([], { ...patient, 'guard.share': 'false' });
    assert.equal(await redirectedBy(b, driver), 0, 'it does not listen');
  })).timeout(60_000);
});
