/** Is there a cgroup v2 hierarchy, and is what we see of it the host's? */
import { chooseCgroup2, isHostRoot } from '../datapath/cgroup.js';
import { mountOf, parseMounts, type Mount } from './mounts.js';
import { fail, pass, type Check, type CheckProvider } from './types.js';
import type { Host } from './host.js';

const group = 'cgroup';

function mounted(mounts: readonly Mount[]): Check {
  const name = 'v2 hierarchy';
  const v2 = mounts.filter(({ type }) => type === 'cgroup2').map(({ point }) => point);
  const v1 = mounts.filter(({ type }) => type === 'cgroup').length;
  if (v2.length === 0) {
    const beside = v1 === 0 ? '' : `; cgroup v1 is (${String(v1)} hierarchies)`;
    return { group, name, ...fail(`not mounted${beside}`, 'mount -t cgroup2 none /sys/fs/cgroup/unified') };
  }
  const hybrid = v1 === 0 ? '' : `, beside ${String(v1)} hierarchies of v1 (hybrid host)`;
  return { group, name, ...pass(`${v2.join(', ')}${hybrid}`) };
}

/** A private cgroup namespace shows the container's own cgroup as the root: attached there, we would serve only it. */
function whole(host: Host, point: string): Check {
  const name = 'root of the host';
  const inode = (path: string): string | undefined => host.inode(path);
  const path = (file: string): string | undefined => /^0::(.*)$/m.exec(host.read(file) ?? '')?.[1];
  // Seen from inside a namespace, what lies outside starts with `/..`.
  const outside = [path('/proc/1/cgroup'), path('/proc/self/cgroup')].find((seen) => seen?.startsWith('/..'));
  const remedy = 'Run in the cgroup namespace of the host (hostPID and a mount of /sys/fs/cgroup), or set cgroup.path to such a mount.';
  if (!isHostRoot(point, inode))
    return { group, name, ...fail(`${point} is the cgroup of a container (inode ${inode(point) ?? 'unreadable'}), not of the host`, remedy) };
  return { group, name, ...pass(outside === undefined ? point : `${point}; this process has a cgroup namespace of its own (${outside})`) };
}

function configured(host: Host, mounts: readonly Mount[], path: string): Check {
  const name = 'cgroup.path';
  const remedy = 'Set cgroup.path to `auto` or to a directory on a cgroup2 mount.';
  if (host.inode(path) === undefined) return { group, name, ...fail(`${path} does not exist`, remedy) };
  const type = mountOf(mounts, path)?.type ?? 'nothing';
  if (type !== 'cgroup2') return { group, name, ...fail(`${path} is on ${type}`, remedy) };
  return { group, name, ...pass(path) };
}

export const cgroupChecks: CheckProvider = {
  group,
  run({ host, config }) {
    const mounts = parseMounts(host.read('/proc/self/mountinfo') ?? '');
    const root = chooseCgroup2(host.read('/proc/self/mountinfo') ?? '', (point) => host.inode(point));
    const { path } = config.cgroup;
    if (path !== 'auto') return [mounted(mounts), configured(host, mounts, path)];
    return root === undefined ? [mounted(mounts)] : [mounted(mounts), whole(host, root)];
  },
};
