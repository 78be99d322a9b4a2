// SPDX-License-Identifier: Apache-2.0
/**
 * A container as a node would run it: runc on the tree of the image, with what the rendered pod says of capabilities,
 * mounts, namespaces, seccomp and the root. What the kubelet does beside it (probes, `exec`, changes of a ConfigMap) is done here.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seccompOf, type Container as Spec, type PodSpec, type Ran } from './helm.js';

const ENTRYPOINT = ['/usr/bin/node', '/usr/lib/sidestep/bin/sidestep'];

interface Place {
  /** The tree of the image. */
  readonly rootfs: string;
  readonly netns: string;
  /** Path of the container's cgroup below the roots of the hierarchies. */
  readonly cgroup: string;
  /** Directory on the node for each ConfigMap. */
  readonly configMaps: Readonly<Record<string, string>>;
  /** What the downward API would say, by its path. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** As the kubelet lays a ConfigMap out: a change is one rename of the link `..data`. */
export function writeConfigMap(directory: string, files: Readonly<Record<string, string>>): void {
  const version = `..${String(Date.now())}`;
  mkdirSync(join(directory, version), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(directory, version, name), text);
    rmSync(join(directory, name), { force: true });
    symlinkSync(join('..data', name), join(directory, name));
  }
  const link = join(directory, '..data_tmp');
  symlinkSync(version, link);
  renameSync(link, join(directory, '..data'));
}

type Json = Record<string, unknown>;

const hidden = ['/proc/asound', '/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/sys/firmware'];
const readOnly = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const ownMounts: readonly Json[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'] },
];

function mountsOf({ volumeMounts }: Spec, { volumes }: Pick<PodSpec, 'volumes'>, configMaps: Place['configMaps']): Json[] {
  return volumeMounts.map(({ name, mountPath, readOnly: ro = false, mountPropagation }) => {
    const { hostPath, configMap } = volumes.find((volume) => volume.name === name)!;
    const source = hostPath?.path ?? configMaps[configMap!.name];
    return { destination: mountPath, type: 'bind', source, options: ['rbind', mountPropagation === 'HostToContainer' ? 'rslave' : 'rprivate', ro ? 'ro' : 'rw'] };
  });
}

function specOf(container: Spec, pod: Pick<PodSpec, 'volumes' | 'hostPID'>, place: Place): Json {
  const { securityContext: context, env = [] } = container;
  const capabilities = (context.capabilities.add ?? []).map((name) => `CAP_${name}`);
  const variables = env.map(({ name, value, valueFrom }) => `${name}=${value ?? place.fields?.[valueFrom!.fieldRef.fieldPath] ?? ''}`);
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid: context.runAsUser, gid: 0 },
      args: container.command ?? [...ENTRYPOINT, ...(container.args ?? [])],
      env: ['PATH=/usr/bin', 'NODE_ENV=production', ...variables],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: !context.allowPrivilegeEscalation,
    },
    root: { path: place.rootfs, readonly: context.readOnlyRootFilesystem },
    mounts: [...ownMounts, ...mountsOf(container, pod, place.configMaps)],
    linux: {
      namespaces: [{ type: 'mount' }, { type: 'ipc' }, { type: 'uts' }, { type: 'cgroup' }, { type: 'network', path: `/run/netns/${place.netns}` }, ...(pod.hostPID ? [] : [{ type: 'pid' }])],
      cgroupsPath: place.cgroup,
      seccomp: seccompOf(container.securityContext.seccompProfile.type, capabilities),
      maskedPaths: hidden,
      readonlyPaths: readOnly,
    },
  };
}

export class Container {
  readonly #dir = mkdtempSync(join(tmpdir(), 'sidestep-container-'));
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #name: string;
  output = '';

  constructor(spec: Spec, pod: Pick<PodSpec, 'volumes' | 'hostPID'>, private readonly place: Place) {
    this.#name = `sidestep-${String(process.pid)}-${place.cgroup.replaceAll('/', '-')}`;
    writeFileSync(join(this.#dir, 'config.json'), JSON.stringify(specOf(spec, pod, place)));
    this.#child = spawn('runc', ['--root', join(this.#dir, 'state'), 'run', '--bundle', this.#dir, this.#name], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) stream.on('data', (chunk: Buffer) => { this.output += chunk.toString(); });
    this.#ended = once(this.#child, 'close');
  }

  get running(): boolean { return this.#child.exitCode === null && this.#child.signalCode === null; }

  /** As `kubectl exec`. */
  exec(...command: string[]): Ran {
    const { status, stdout, stderr } = spawnSync('runc', ['--root', join(this.#dir, 'state'), 'exec', this.#name, ...command], { encoding: 'utf8', timeout: 20_000 });
    return { code: status ?? -1, stdout, stderr };
  }

  /** As a probe: status of an answer of the pod, 0 when there is none. */
  get(path: string, port = 9464): { status: number; text: string } {
    const { stdout } = spawnSync('nsenter', [`--net=/run/netns/${this.place.netns}`, 'curl', '-s', '-m', '5', '-w', '\n%{http_code}', `http://127.0.0.1:${port}${path}`], { encoding: 'utf8' });
    const [status = '0'] = /[0-9]+$/.exec(stdout) ?? [];
    return { status: Number(status), text: stdout.slice(0, -status.length - 1) };
  }

  /** SIGTERM, as at the end of a pod; the exit code. */
  async stop(): Promise<number | null> {
    execFileSync('runc', ['--root', join(this.#dir, 'state'), 'kill', this.#name, 'TERM']);
    return this.end();
  }

  async end(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  async clean(): Promise<void> {
    spawnSync('runc', ['--root', join(this.#dir, 'state'), 'delete', '--force', this.#name]);
    await this.#ended;
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** runc makes the parents of a cgroup in every hierarchy and leaves them. */
export function removeEverywhere(name: string): void {
  for (const hierarchy of readdirSync('/sys/fs/cgroup'))
    spawnSync('rmdir', [join('/sys/fs/cgroup', hierarchy, name)], { stdio: 'ignore' });
}
