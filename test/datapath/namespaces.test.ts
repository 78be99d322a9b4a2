// SPDX-License-Identifier: Apache-2.0
// Two pods on one node are paired at the first try, through veth, DNAT and MASQUERADE, and never mixed up.
import assert from 'node:assert/strict';
import { withDatapath, type TestDatapath } from '../helpers/datapath.js';
import { withNetns, withPods } from '../helpers/pods.js';
import type { Pods } from '../helpers/pods.js';

type Address = Pods['service'];

/** Pod a asks pod b, which serves `at`, under the address `to`. */
async function paired(t: TestDatapath, pods: Pods, at: Address, to: Address): Promise<void> {
  const server = t.start('serve.py', at, { netns: pods.b });
  await server.next();
  const client = t.start('ask.py', to, { netns: pods.a });
  const { bytes } = await client.next();
  const [pair, ...others] = t.pairs();
  assert.deepEqual([pair?.state, pair?.reason, others.length], ['active', 'redirected', 0]);
  assert.notEqual(pair!.client.netns, pair!.server.netns);
  assert.equal(pair!.server.address, at.host);
  assert.equal(pair!.server.port, at.port);
  assert.ok(t.redirected() > bytes * 0.9, `${t.redirected()} of ${String(bytes)}`);
  assert.equal(t.counters().connections.redirected, 1);
  assert.equal(t.counters().connections.remote, 0);
  client.say();
  await client.end();
  server.say();
  await server.end();
}

describe('namespaces', () => {
  it('pod to pod over IPv4', () => withPods((pods) => withDatapath({}, (t) => {
    const address = { host: pods.b4, port: 8080 };
    return paired(t, pods, address, address);
  })));

  it('pod to pod over IPv6', () => withPods((pods) => withDatapath({}, (t) => {
    const address = { host: pods.b6, port: 8080 };
    return paired(t, pods, address, address);
  })));

  it('pod to service, through DNAT and MASQUERADE', () => withPods((pods) => withDatapath({}, (t) =>
    paired(t, pods, { host: pods.b4, port: 8080 }, pods.service))));

  it('two namespaces with equal loopback addresses and ports at the same time', () => withNetns((one) => withNetns((other) => withDatapath({}, async (t) => {
    const programs = [one, other].map((netns, seed) => t.start('same_tuple.py', { seed }, { netns }));
    for (const program of programs) await program.next();
    for (const program of programs) program.say();
    const reports = await Promise.all(programs.map((program) => program.next()));
    const total = reports.reduce((sum, report) => sum + (report['bytes'] as number), 0);
    assert.equal(t.redirected(), total);
    assert.deepEqual(t.pairs().map((pair) => [pair.state, pair.client.port, pair.server.port]), [['active', 7001, 7000], ['active', 7001, 7000]]);
    for (const program of programs) program.say();
    for (const program of programs) await program.end();
  }))));

  it('equal addresses in two namespaces that connect at the same instant, again and again: nobody gets the bytes of the other', () => withNetns((one) => withNetns((other) => withDatapath({}, async (t) => {
    const rounds = 300;
    const programs = [one, other].map((netns, cpu) => t.start('twins.py', { cpu, rounds }, { netns }));
    for (const program of programs) await program.next();
    const soon = String(Number(process.hrtime.bigint()) / 1e9 + 0.1);
    for (const program of programs) program.say(soon);
    for (const program of programs) await program.end();
    const { redirected, remote } = t.counters().connections;
    // Two that begin within the same 64 ns have equal numbers, and stay on TCP: which end is whose cannot be told.
    assert.equal(2 * redirected + remote, 4 * rounds, JSON.stringify(t.counters().connections));
    assert.ok(redirected > rounds / 10, JSON.stringify(t.counters().connections));
    assert.deepEqual([t.entries('pairs'), t.entries('sockets'), t.counters().resets], [0, 0, 0]);
  }))));
});
