// SPDX-License-Identifier: Apache-2.0
/** The pod that the chart describes, run as a node would run it: the image, exactly its rights, the node's mounts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { bpfObjects, newSince, noneSince } from '../helpers/bpf-objects.js';
import { eventually } from '../helpers/kernel-lock.js';
import { withNetns } from '../helpers/pods.js';
import { startPython, type Program } from '../helpers/program.js';
import { onGround, type Ground } from '../helpers/real-agent.js';
import { Container, removeEverywhere, writeConfigMap } from './container.js';
import { configuration, pod, rendered, type Container as Spec, type Manifest, type PodSpec } from './helm.js';

const IMAGE = fileURLToPath(new URL('../../../scripts/image', import.meta.url));

interface Node {
  readonly ground: Ground;
  readonly manifests: readonly Manifest[];
  readonly config: string;
  readonly start: (change?: (spec: Spec) => Spec) => Container;
  readonly helmTest: () => Container;
}

describe('the pod of the chart', function () {
  this.timeout(60_000);
  let rootfs = '';
  before(function image() {
    this.timeout(120_000);
    rootfs = mkdtempSync(join(tmpdir(), 'sidestep-rootfs-'));
    execFileSync(IMAGE, ['--rootfs', rootfs], { stdio: 'pipe' });
  });
  after(() => { rmSync(rootfs, { recursive: true }); });

  /** A node whose agent serves one cgroup only, so that the rest of this machine is left alone. */
  const onNode = (test: (node: Node) => Promise<void>, ...sets: string[]): Promise<void> => onGround((ground) => withNetns(async (netns) => {
    const below = findCgroup2().slice('/sys/fs/cgroup'.length);
    const values = {
      'config.cgroup.path': `/host/cgroup${below}/${ground.name}`, 'config.bpf.pinPath': ground.pins,
      'run.hostPath': ground.runDir, 'state.hostPath': ground.stateDir,
    };
    const manifests = rendered([...Object.entries(values).map(([key, value]) => `${key}=${value}`), ...sets].flatMap((set) => ['--set', set]));
    const { spec } = pod(manifests);
    const config = mkdtempSync(join(tmpdir(), 'sidestep-config-'));
    const script = mkdtempSync(join(tmpdir(), 'sidestep-config-'));
    writeConfigMap(config, { 'config.yaml': configuration(manifests) });
    writeConfigMap(script, manifests.find(({ metadata, kind }) => kind === 'ConfigMap' && metadata.name === 'sidestep-test')!.data!);
    execFileSync('mkdir', ['-p', ground.stateDir]);
    const started: Container[] = [];
    const configMaps = { sidestep: config, 'sidestep-test': script };
    const run = (container: Spec, of: Pick<PodSpec, 'volumes' | 'hostPID'>, name: string): Container => {
      const fields = { 'spec.nodeName': 'node-a.example.org', 'status.hostIP': '192.0.2.1' };
      started.push(new Container(container, of, { rootfs, netns, cgroup: `/${ground.name}/${name}`, configMaps, fields }));
      return started.at(-1)!;
    };
    try {
      await test({
        ground, manifests, config,
        start: (change = (same) => same) => run(change(spec.containers[0]), spec, `agent${started.length}`),
        helmTest: () => {
          const tested = manifests.find(({ kind }) => kind === 'Pod')!.spec as PodSpec;
          return run(tested.containers[0], { ...tested, hostPID: false }, `test${started.length}`);
        },
      });
    } finally {
      for (const container of started) await container.clean();
      removeEverywhere(ground.name);
      for (const directory of [config, script]) rmSync(directory, { recursive: true });
    }
  }));

  const ready = (container: Container): Promise<void> => eventually(() => {
    if (!container.running) assert.fail(`the container ended: ${container.output}`);
    const { status, text } = container.get('/readyz');
    return status === 200 ? '' : `${status} ${text} ${container.output.slice(-800)}`;
  }, 30_000);

  const less = (...names: string[]) => (spec: Spec): Spec => {
    const { capabilities } = spec.securityContext;
    return { ...spec, securityContext: { ...spec.securityContext, capabilities: { ...capabilities, add: capabilities.add!.filter((name) => !names.includes(name)) } } };
  };

  /** Two programs that talk to themselves: one in the node's network namespace, one in a pod's. */
  async function withActors(ground: Ground, test: (actors: readonly Program[]) => Promise<void>): Promise<void> {
    await withNetns(async (netns) => {
      const actors = [ground.program('actor.py'), startPython('actor.py', {}, { cgroup: ground.cgroup, netns })];
      try {
        for (const actor of actors) await actor.next();
        await test(actors);
      } finally {
        for (const actor of actors) await actor.kill();
      }
    });
  }

  const states = (ground: Ground): string[] => ground.pairs().map(({ state }) => state);

  async function talk(actors: readonly Program[]): Promise<void> {
    for (const actor of actors)
      for (const line of ['send c 1000', 'read s', 'send s 1000', 'read c']) {
        actor.say(line);
        await actor.next();
      }
  }

  it('is ready, accelerates pods and node, passes helm test, answers kubectl exec, follows its ConfigMap, and leaves nothing', () => onNode(async ({ ground, start, helmTest, manifests, config }) => {
    const before = bpfObjects();
    const agent = start();
    await ready(agent);
    assert.equal(agent.get('/healthz').status, 200);
    await withActors(ground, async (actors) => {
      await eventually(async () => {
        await talk(actors);
        return states(ground).filter((state) => state === 'active').length === 2 ? '' : states(ground).join(' ');
      }, 8000);
      const tested = helmTest();
      assert.equal(await tested.end(), 0, tested.output);
      assert.match(tested.output, /accelerated: \d+ bytes of the client stepped around TCP/);
      const status = agent.exec('/usr/bin/sidestep', 'status');
      assert.equal(status.code, 0, status.stdout + status.stderr);
      assert.match(agent.exec('/usr/bin/sidestep', 'check', '--quick').stdout, /✓ v2 hierarchy: \/host\/cgroup.*✓ bpf\.pinPath/s);
      assert.match(agent.exec('/usr/bin/sidestep', 'config', 'print').stdout, /address: "?192\.0\.2\.1/);
      assert.match(agent.get('/metrics').text, /^sidestep_active_pairs\{state="active"\} [1-9]/m);

      writeConfigMap(config, { 'config.yaml': `${configuration(manifests)}datapath:\n  enabled: false\n` });
      await eventually(() => (agent.exec('/usr/bin/sidestep', 'status').stdout.includes('disabled') ? '' : `not disabled: ${agent.output.slice(-500)}`), 8000);
      assert.equal(await agent.stop(), 0, agent.output);
      await talk(actors);
    });
    assert.equal(existsSync(ground.pins), false);
    await noneSince(before);
  }));

  it('replaced three times under traffic, with lifecycle.onExit keep: nothing fails, pairs stay, one set of programs (h-upgrade-duplicates-programs)', () => onNode(async ({ ground, start }) => {
    const before = bpfObjects();
    let agent = start();
    await ready(agent);
    await withActors(ground, async (actors) => {
      const active = (): string => (states(ground).filter((state) => state === 'active').length === 2 ? '' : states(ground).join(' '));
      await eventually(async () => {
        await talk(actors);
        return active();
      }, 8000);
      // Their numbers change when a program is replaced; how many there are of a kind and name does not.
      const loaded = (): string => newSince(before).map((object) => object.replace(/ \d+/, '')).sort().join(', ');
      const atFirst = loaded();
      const load = { rounds: 0, on: true };
      const traffic = (async () => {
        for (; load.on; load.rounds++) await talk(actors);
      })();
      for (let time = 0; time < 3; time++) {
        const [was] = ground.pairs();
        assert.equal(await agent.stop(), 0, agent.output);
        agent = start();
        await ready(agent);
        assert.match(agent.output, /took over the datapath of an earlier agent/);
        assert.ok(ground.pairs().some(({ id, state }) => id === was!.id && state === 'active'));
      }
      load.on = false;
      await traffic;
      assert.ok(atFirst !== '' && load.rounds > 50, String(load.rounds));
      // Sockets hold on to the programs that they entered with.
      for (const actor of actors) await actor.kill();
      await eventually(() => (loaded() === atFirst ? '' : `now ${loaded()}, at first ${atFirst}`), 8000);
    });
    // From the node: what is executed in a container ends with it.
    const { code, stderr } = ground.cli('retire', '--all', '--uninstall');
    assert.equal(code, 0, stderr);
    assert.equal(await agent.end(), 0, agent.output);
    await noneSince(before);
  }, 'config.lifecycle.onExit=keep'));

  it('a lost broker fails neither liveness nor traffic', () => onNode(async ({ ground, start }) => {
    const agent = start();
    await eventually(() => (agent.get('/healthz').status === 200 ? '' : `no answer: ${agent.output.slice(-500)}`), 20_000);
    await eventually(() => (/the endpoints of other hosts have not been read/.test(agent.get('/readyz').text) ? '' : `it says ${agent.get('/readyz').text}`));
    await withActors(ground, async (actors) => {
      await eventually(async () => {
        await talk(actors);
        return states(ground).filter((state) => state === 'active').length === 2 ? '' : states(ground).join(' ');
      }, 8000);
    });
    assert.equal(agent.get('/healthz').status, 200);
  }, 'config.bus.mode=external', 'config.bus.servers={nats://127.0.0.1:1}'));

  it('on a path that is no BPF file system it refuses, and says so (h-pins-silently-off)', () => onNode(async ({ start }) => {
    const agent = start((spec) => ({ ...spec, volumeMounts: spec.volumeMounts.filter(({ name }) => name !== 'bpf') }));
    assert.equal(await agent.end(), 1);
    assert.match(agent.output, /the pin directory is not on a BPF file system/);
  }));

  for (const missing of [['NET_ADMIN'], ['BPF', 'SYS_ADMIN'], ['PERFMON', 'SYS_ADMIN']])
    it(`without ${missing.join(' and ')} it refuses, names it, and leaves nothing`, () => onNode(async ({ ground, start }) => {
      const agent = start(less(...missing));
      assert.equal(await agent.end(), 1, agent.output);
      assert.match(agent.output, new RegExp(`CAP_${missing[0]!}`));
      assert.equal(existsSync(ground.pins), false);
    }));

  for (const missing of ['SYS_ADMIN', 'SYS_PTRACE'])
    it(`without ${missing} it serves its own namespace, and not those of pods`, () => onNode(async ({ ground, start }) => {
      const agent = start(less(missing));
      await ready(agent);
      await withActors(ground, async (actors) => {
        for (let round = 0; round < 20; round++) await talk(actors);
        assert.deepEqual(states(ground).filter((state) => state === 'active'), []);
      });
      assert.match(agent.exec('/usr/bin/sidestep', 'check', '--quick').stdout, new RegExp(`CAP_${missing}.*missing`));
    }));

  it('the image holds one architecture, no shell, and a list of what it is made of', () => {
    const machine = (file: string): string => execFileSync('readelf', ['-h', file], { encoding: 'utf8' }).match(/Machine: +(.*)/)![1]!;
    const programs = ['usr/bin/node', 'usr/lib/sidestep/native/build/Release/sidestep.node', 'usr/lib/sidestep/native/build/Release/sidestep-selftest'];
    assert.equal(new Set(programs.map((file) => machine(join(rootfs, file)))).size, 1);
    for (const shell of ['bin/sh', 'usr/bin/sh', 'usr/bin/bash', 'usr/bin/env']) assert.equal(existsSync(join(rootfs, shell)), false, shell);
    const { components } = JSON.parse(readFileSync(join(rootfs, 'usr/lib/sidestep/sbom.cdx.json'), 'utf8')) as { components: { name: string }[] };
    for (const name of ['node', 'nats', 'convict', 'libc6', 'node-llhttp']) assert.ok(components.some((one) => one.name === name), name);
    assert.equal(components.some(({ name }) => name === 'mocha'), false);
  });
});
