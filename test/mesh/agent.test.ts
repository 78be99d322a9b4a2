// SPDX-License-Identifier: Apache-2.0
/** The agent as people start it on one host: a bus of its own, and nothing left afterwards. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import '../helpers/kernel-lock.js';
import { bpfObjects, noneSince } from '../helpers/bpf-objects.js';
import { alive, eventually } from '../helpers/kernel.js';
import { onGround, type Ground } from '../helpers/real-agent.js';
import type { BusView, ServiceView } from '../../agent/mesh/view.js';

const services = JSON.stringify({ services: [{ name: 'web', addresses: ['10.96.0.1'], port: 80, endpoints: [{ address: '127.0.0.1', port: 1 }] }] });
const bus = (ground: Ground): BusView => (ground.api('/v1/status') as { bus: BusView }).bus;
const pinned = (ground: Ground): boolean => existsSync(join(ground.pins, 'mesh'));

describe('mesh: the agent', function () {
  this.timeout(60_000);

  it('runs a nats-server of its own when nobody said otherwise, and takes it away with everything else', () => onGround(async (ground) => {
    const before = bpfObjects();
    const agent = ground.start(['--set', 'bus.mode=auto'], ground.config(services));
    await agent.says('ready');
    await eventually(() => (bus(ground).registry?.state === 'synced' ? '' : JSON.stringify(bus(ground))), 8000);
    assert.equal(bus(ground).choice, 'embedded');
    assert.ok(pinned(ground));
    const server = Number(readFileSync(join(ground.stateDir, 'nats/server.pid'), 'utf8'));
    assert.ok(alive(server));
    assert.match(ground.cli('status').stdout, /bus +embedded, synced/);
    assert.equal((await agent.stop()).code, 0);
    assert.equal(alive(server), false);
    assert.equal(existsSync(ground.pins), false);
    await noneSince(before);
  }));

  it('without services has no balancing programs, also when they come and go while it runs', () => onGround(async (ground) => {
    const file = ground.config('');
    const agent = ground.start([], file);
    await agent.says('ready');
    assert.equal(pinned(ground), false);
    ground.config(services);
    await eventually(() => (pinned(ground) ? '' : 'the programs have not come'));
    assert.equal((ground.api('/v1/services') as { services: ServiceView[] }).services[0]!.endpoints, 1);
    ground.config('');
    await eventually(() => (pinned(ground) ? 'the programs are still there' : ''));
    assert.equal((await agent.stop()).code, 0);
  }));

  it('what a killed agent left is taken over, or away: by an agent without services, and by retire --all --uninstall', () => onGround(async (ground) => {
    const before = bpfObjects();
    const first = ground.start([], ground.config(services));
    await first.says('ready');
    await first.kill();
    assert.ok(pinned(ground));
    const second = ground.start([], ground.config(''));
    await second.says('ready');
    assert.equal(pinned(ground), false);
    await second.kill();
    const third = ground.start([], ground.config(services));
    await third.says('ready');
    await third.kill();
    const { code, stderr } = ground.cli('retire', '--all', '--uninstall');
    assert.equal(code, 0, stderr);
    assert.equal(existsSync(ground.pins), false);
    await noneSince(before);
  }));

  it('goes on without what it cannot have: a bus without TLS, a port that is taken', () => onGround(async (ground) => {
    const agent = ground.start(['--set', 'bus.mode=external', '--set', 'bus.servers=nats://192.0.2.1:4222'], ground.config(services));
    await agent.says('ready');
    assert.match(agent.stderr, /the way to the bus is not encrypted/);
    assert.equal((ground.api('/v1/services') as { services: ServiceView[] }).services[0]!.up, 1);
    assert.match((ground.api('/v1/status') as { problems: string[] }).problems.join(), /goes on without a bus/);
    assert.equal((await agent.stop()).code, 0);
  }));
});
