// SPDX-License-Identifier: Apache-2.0
/** The agent on this kernel, told of pods and Services by an API server in memory: cgroups as the kubelet makes them. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../helpers/kernel-lock.js';
import { ApiServer } from '../helpers/api-server.js';
import { onGround, type Ground } from '../helpers/real-agent.js';
import type { Program } from '../helpers/program.js';
import { endpointOf, podOf, PODS, serviceOf, SERVICES, sliceOf, SLICES, uidOf } from '../unit/kubernetes/objects.js';

const owner = { kind: 'StatefulSet', name: 'web' };
const alone = { 'sidestep.io/accelerate': 'disabled' };

interface Node {
  readonly ground: Ground;
  readonly server: ApiServer;
  /** Of the pod web-1. */
  readonly container: string;
  /** SIGKILL, and the next agent. */
  readonly restart: () => Promise<void>;
}

async function onNode(test: (node: Node) => Promise<void>): Promise<void> {
  const server = new ApiServer();
  try {
    const url = await server.start();
    await onGround(async (ground) => {
      const container = join(ground.cgroup, 'kubepods/burstable', `pod${uidOf(1)}`, 'container');
      mkdirSync(container, { recursive: true });
      server.put(PODS, podOf('web-1', { owner }));
      const settings = { enabled: 'true', node: 'node-a', apiServer: url, tokenFile: '', caFile: '' };
      const flags = Object.entries(settings).flatMap(([key, value]) => ['--set', `kubernetes.${key}=${value}`]);
      let agent = await ground.ready(flags);
      const restart = async (): Promise<void> => {
        await agent.kill();
        agent = await ground.ready(flags);
      };
      await test({ ground, server, container, restart });
      assert.equal((await agent.stop()).code, 0);
    });
  } finally {
    await server.stop();
  }
}

async function turns(actor: Program): Promise<void> {
  for (const line of ['send c 1000', 'read s', 'send s 1000', 'read c']) {
    actor.say(line);
    await actor.next();
  }
}

const state = (ground: Ground, wanted: string): Promise<void> => eventually(() => {
  const now = ground.pairs().map((pair) => `${pair.state} ${pair.reason}`).join();
  return now === wanted ? '' : `${now}, wanted ${wanted}`;
});

describe('Kubernetes: the agent', function () {
  this.timeout(60_000);

  it('names the ends of a connection by their pod, leaves it alone while an annotation says so, and says who said it', () => onNode(async ({ ground, server, container }) => {
    const actor = ground.program('actor.py', {}, container);
    await actor.next();
    await turns(actor);
    await state(ground, 'active redirected');
    assert.match(ground.cli('explain', 'pod/shop/web-1').stdout, /server .* pod shop\/web-1 of StatefulSet\/web, /);
    assert.match(ground.cli('pairs').stdout, / shop\/web-1 /);
    assert.match(ground.cli('explain', 'pod/web-2').stdout, /no local connection matches/);

    server.put(PODS, podOf('web-1', { owner, annotations: alone }));
    await state(ground, 'tcp excluded');
    await turns(actor);
    const { stdout } = ground.cli('explain', 'pod/web-1');
    assert.match(stdout, /excluded by the annotation sidestep\.io\/accelerate: disabled of pod shop\/web-1 \(cgroup:\/.*\/kubepods\/burstable\/pod/);
    assert.match(stdout, /What to do: take away the annotation sidestep\.io\/accelerate: disabled of pod shop\/web-1\./);

    server.put(PODS, podOf('web-1', { owner }));
    await eventually(() => ((ground.api('/v1/scope') as { rules: object[] }).rules.length === 0 ? '' : 'the rule is still there'));
    const second = ground.program('actor.py', {}, container);
    await second.next();
    await turns(second);
    await eventually(() => (ground.pairs().some(({ state: now }) => now === 'active') ? '' : JSON.stringify(ground.pairs().map(({ state: now, reason }) => [now, reason]))));
    for (const one of [actor, second]) {
      one.say('quit');
      await one.end();
    }
  }));

  it('balances a Service that asks for it, over a restart without an API server too, until it no longer asks (lb-stale-after-restart)', () => onNode(async ({ ground, server, restart }) => {
    const backend = createServer((_, answer) => answer.end('from the endpoint\n')).listen(0, '127.0.0.1');
    await once(backend, 'listening');
    const { port } = backend.address() as AddressInfo;
    const ask = async (): Promise<string | undefined> => {
      const curl = ground.command(['curl', '-s', '-m', '2', 'http://10.96.0.10/']);
      const line = await curl.line();
      await curl.lastWords();
      return line;
    };
    try {
      server.put(SERVICES, serviceOf('web'));
      server.put(SLICES, sliceOf('web-x', 'web', [endpointOf('127.0.0.1')], { ports: [{ name: 'http', port, protocol: 'TCP' }] }));
      await eventually(() => ((ground.api('/v1/services') as { services: { up: number }[] }).services[0]?.up === 1 ? '' : 'no service'));
      await eventually(async () => ((await ask()) === 'from the endpoint' ? '' : 'no answer'));
      server.broken = 503;
      await restart();
      for (let turn = 0; turn < 20; turn++) assert.equal(await ask(), 'from the endpoint');
      assert.match(ground.cli('status').stdout, /the services of Kubernetes have never been read: 503 broken/);
      server.broken = undefined;
      await eventually(() => ((ground.api('/v1/services') as { services: { up: number }[] }).services[0]?.up === 1 ? '' : 'no service'), 10_000);
      for (let turn = 0; turn < 20; turn++) assert.equal(await ask(), 'from the endpoint');
      server.put(SERVICES, serviceOf('web', { annotations: {} }));
      await eventually(() => ((ground.api('/v1/services') as { services: object[] }).services.length === 0 ? '' : 'the service is still there'));
      assert.equal(await ask(), undefined);
    } finally {
      backend.close();
    }
  }));
});
