// SPDX-License-Identifier: Apache-2.0
/** A cluster with one node on this machine (scripts/k8s/node), and kubectl and helm as people run them on it. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCgroup2 } from '../../agent/datapath/cgroup.js';
import { SLOWNESS } from '../helpers/kernel.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const HELM = join(root, '.cache/charts/helm');

export const NODE = join(root, 'scripts/k8s/node');
export const CHART = join(root, 'charts/sidestep');
export const HERE = join(root, 'test/k8s');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], input = ''): Ran {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', input, maxBuffer: 64 << 20, timeout: 90_000 * SLOWNESS });
  if (error) throw new Error(`${program} ${args.join(' ')}: ${error.message}; run: scripts/bootstrap k8s`);
  return { code: status, stdout, stderr } as Ran;
}

function must({ code, stdout, stderr }: Ran): string {
  assert.equal(code, 0, `${stdout}${stderr}`);
  return stdout;
}

let made: readonly string[] | undefined;

/** Images of this machine's programs and of the agent, as files, made once in a run; those of the run before are written over, unless TEST_IMAGES is "made". */
export function makeImages(): readonly string[] {
  if (made) return made;
  const dir = join(root, '.cache/kubernetes/images');
  mkdirSync(dir, { recursive: true });
  const image = (name: string, script: string, ...args: readonly string[]): string => {
    const file = join(dir, `${name}.tar`);
    if (process.env['TEST_IMAGES'] !== 'made') execFileSync(join(root, 'scripts', script), [file, ...args], { stdio: 'pipe' });
    return file;
  };
  made = [
    image('pause', 'k8s/image', 'localhost/pause:1', 'busybox sleep infinity'),
    image('redis', 'k8s/image', 'localhost/redis:1', 'redis-server', 'redis-benchmark', 'redis-cli'),
    image('nats', 'k8s/image', 'localhost/nats:1', 'nats-server'),
    image('sidestep', 'image'),
  ];
  return made;
}

/** What a cluster that says this name has on the machine. */
export function traces(name: string): string[] {
  const hierarchies = ['', ...readdirSync('/sys/fs/cgroup')].map((one) => join('/sys/fs/cgroup', one, name));
  return [...hierarchies, join('/run/netns', name), join('/sys/fs/bpf', name), join('/tmp', name)].filter((path) => existsSync(path));
}

/** The name in "ready NAME DIRECTORY"; fails when the node ends without it. */
export async function readyName(child: ChildProcess): Promise<string> {
  let said = '', complaints = '';
  child.stdout!.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  child.stderr!.on('data', (chunk: Buffer) => { complaints += chunk.toString(); });
  const ended = once(child, 'close').then(() => { throw new Error(`the node ended: ${complaints}`); });
  ended.catch(() => undefined);
  for (;;) {
    const [, name] = /^ready (\S+) /m.exec(said) ?? [];
    if (name !== undefined) return name;
    await Promise.race([once(child.stdout!, 'data'), ended]);
  }
}

export class Cluster {
  #child: ChildProcess | undefined;
  #name = '';

  /** Detached: a key that interrupts the test must not reach what cleans up after it. */
  async start(images: readonly string[]): Promise<void> {
    this.#child = spawn(NODE, images, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.#name = await readyName(this.#child);
  }

  async stop(): Promise<void> {
    if (!this.#child) return;
    const ended = this.#child.exitCode === null ? once(this.#child, 'close') : undefined;
    this.#child.stdin!.end();
    await ended;
    assert.deepEqual(traces(this.#name), []);
  }

  /** The node's own cgroup, as pods of the chart see it. */
  get cgroupInPods(): string { return `/host/cgroup${findCgroup2().slice('/sys/fs/cgroup'.length)}/${this.#name}`; }
  /** All below it. */
  cgroups(): string[] { return run('find', [join(findCgroup2(), this.#name), '-type', 'd']).stdout.split('\n').sort(); }

  /** A directory of the node that a pod may ask for, as a volume of any class. */
  volume(name: string): void {
    mkdirSync(join('/tmp', this.#name, 'lib', name));
    const node = { key: 'kubernetes.io/hostname', operator: 'In', values: ['node-a'] };
    this.apply(JSON.stringify({
      apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name },
      spec: {
        capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], local: { path: `/var/lib/${name}` },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [node] }] } },
      },
    }));
  }

  /** What agents have pinned on the node. */
  pins(): string[] { return readdirSync(join('/sys/fs/bpf', this.#name)); }

  #inNetwork(program: string, ...args: string[]): Ran { return run('nsenter', [`--net=/run/netns/${this.#name}`, program, ...args]); }

  tryKubectl(...args: string[]): Ran { return this.#inNetwork(`/tmp/${this.#name}/kubectl`, ...args); }
  kubectl(...args: string[]): string { return must(this.tryKubectl(...args)); }
  apply(manifests: string, ...flags: string[]): void {
    must(run('nsenter', [`--net=/run/netns/${this.#name}`, `/tmp/${this.#name}/kubectl`, 'apply', '-f', '-', ...flags], manifests));
  }
  /** What it waits for has as long as everything else. */
  helm(verb: string, ...args: string[]): string {
    const ran = this.#inNetwork(HELM, '--kubeconfig', `/tmp/${this.#name}/admin.kubeconfig`, verb, '--timeout', `${80 * SLOWNESS}s`, ...args);
    if (ran.code === 0) return ran.stdout;
    const pods = this.tryKubectl('get', 'pods', '-A', '-o', 'wide').stdout;
    return must({ ...ran, stderr: `${ran.stderr}${pods}${this.tryKubectl('get', 'events', '-A').stdout}` });
  }
  get(address: string): string { return must(this.#inNetwork('curl', '-sS', '-m', '5', `http://${address}`)); }

  /** What `kubectl rollout status` or `kubectl wait` is asked to wait for. */
  until(...words: string[]): string { return this.kubectl(...words, `--timeout=${60 * SLOWNESS}s`); }

  /** One field of an object, as `kubectl -o jsonpath` writes it. */
  field(path: string, ...object: string[]): string { return this.kubectl('get', ...object, '-o', `jsonpath={${path}}`); }
}
