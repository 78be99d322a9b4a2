/** What this is, and what it runs on. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, freemem, loadavg, release, totalmem, uptime, version as kernelVersion } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { version } from '../version.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const built: readonly (readonly [directory: string, names: RegExp])[] = [
  ['bpf/build', /\.bpf\.o$/],
  ['native/build/Release', /^sidestep(\.node|-selftest)$/],
];

/** So that a report tells which build it is about, also of a checkout. */
function hashes(): Record<string, string> {
  const files = built.flatMap(([directory, names]) => {
    try {
      return readdirSync(join(root, directory)).filter((name) => names.test(name)).map((name) => join(directory, name));
    } catch {
      return [];
    }
  });
  return Object.fromEntries(files.map((file) => [file, createHash('sha256').update(readFileSync(join(root, file))).digest('hex')]));
}

export const versions = (): object => ({ sidestep: version, node: process.version, versions: process.versions, built: hashes() });

const orNull = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch {
    return null;
  }
};

const sysctls = ['net/core/bpf_jit_enable', 'net/core/bpf_jit_harden', 'kernel/unprivileged_bpf_disabled', 'net/mptcp/enabled', 'net/ipv4/tcp_migrate_req',
  'net/ipv4/tcp_rmem', 'net/ipv4/tcp_wmem', 'net/ipv4/tcp_congestion_control', 'kernel/bpf_stats_enabled'];

export const hostFacts = (): object => ({
  release: release(), kernel: kernelVersion(), architecture: arch(), processors: availableParallelism(),
  memory: { total: totalmem(), free: freemem() }, load: loadavg(), uptimeSeconds: Math.round(uptime()),
  distribution: /^PRETTY_NAME="?([^"\n]*)/m.exec(orNull('/etc/os-release') ?? '')?.[1] ?? null, lockdown: orNull('/sys/kernel/security/lockdown'),
  cgroups: orNull('/proc/self/cgroup'), mounts: (orNull('/proc/self/mountinfo') ?? '').split('\n').filter((line) => /- (cgroup2?|bpf) /.test(line)),
  limits: orNull('/proc/self/limits'), user: { uid: process.getuid?.() ?? null },
  status: (orNull('/proc/self/status') ?? '').split('\n').filter((line) => /^(Cap|Seccomp|NoNewPrivs)/.test(line)),
  sysctl: Object.fromEntries(sysctls.map((name) => [name.replaceAll('/', '.'), orNull(`/proc/sys/${name}`)])),
});
