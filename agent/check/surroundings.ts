/** What stands around the agent: a container, seccomp, lockdown, limits. */
import { fail, info, pass, warn, type CheckProvider } from './types.js';

// Of the first namespaces: include/uapi/linux/nsfs.h has the numbers.
const firstPidNamespace = '4026531836';

const marks: readonly (readonly [file: string, what: string])[] = [
  ['/.dockerenv', 'Docker'], ['/run/.containerenv', 'Podman'], ['/run/systemd/container', 'a container of systemd'], ['/var/run/secrets/kubernetes.io', 'a pod'],
];

export const placeChecks: CheckProvider = {
  group: 'place',
  run({ host }) {
    const row = { group: 'place', name: 'container or host' };
    const inside = marks.find(([file]) => host.inode(file) !== undefined)?.[1];
    const pids = host.inode('/proc/self/ns/pid');
    if (pids !== undefined && pids !== firstPidNamespace) {
      const remedy = 'Run it in the process namespace of the host: hostPID: true, or --pid=host.';
      return [{ ...row, ...warn(`${inside ?? 'a container'} with a process namespace of its own: other processes would have no names`, remedy) }];
    }
    return [{ ...row, ...pass(inside === undefined ? 'host' : `${inside}, in the process namespace of the host`) }];
  },
};

/** Capabilities of a user namespace count within it only: root of a rootless container may not load programs. */
export const userNamespaceChecks: CheckProvider = {
  group: 'place',
  run({ host }) {
    const row = { group: 'place', name: 'users' };
    const map = host.read('/proc/self/uid_map');
    if (map === undefined) return [{ ...row, ...info('could not see whether this is a user namespace') }];
    const whole = /^\s*0\s+0\s+4294967295\s*$/.test(map);
    return [{ ...row, ...(whole ? pass('those of the host') : fail('a user namespace of its own, where no capability reaches the kernel', 'Run it as root of the host, not rootless and not with remapped users.')) }];
  },
};

export const seccompChecks: CheckProvider = {
  group: 'capabilities',
  run({ host }) {
    const row = { group: 'capabilities', name: 'seccomp' };
    const [, mode] = /^Seccomp:\s*(\d)$/m.exec(host.read('/proc/self/status') ?? '') ?? [];
    if (mode === undefined) return [{ ...row, ...info('not in this kernel') }];
    return [{
      ...row,
      ...(mode === '0' ? pass('no filter on this process') : warn('a filter is on this process; what it forbids cannot be seen',
        'Let it allow bpf, perf_event_open, setns and pidfd_getfd; the RuntimeDefault profile of Kubernetes does when the capabilities are granted.')),
    }];
  },
};

export const lockdownChecks: CheckProvider = {
  group: 'kernel',
  run({ host }) {
    const row = { group: 'kernel', name: 'lockdown' };
    const [, mode] = /\[(\w+)\]/.exec(host.read('/sys/kernel/security/lockdown') ?? '') ?? [];
    if (mode === undefined) return [{ ...row, ...info('could not see it: not in this kernel, or securityfs is not mounted') }];
    if (mode !== 'confidentiality') return [{ ...row, ...pass(mode) }];
    return [{ ...row, ...fail('confidentiality: programs may not read the kernel', 'Boot with lockdown=integrity, or without lockdown.') }];
  },
};

export const limitChecks: CheckProvider = {
  group: 'limits',
  run({ host }) {
    const row = { group: 'limits', name: 'locked memory' };
    const [, soft] = /^Max locked memory\s+(\S+)/m.exec(host.read('/proc/self/limits') ?? '') ?? [];
    // Since 5.11 maps are charged to the memory cgroup of whoever makes them.
    const [major = 0, minor = 0] = host.release.split('.').map((part) => Number.parseInt(part, 10));
    if (major > 5 || (major === 5 && minor >= 11)) return [{ ...row, ...pass(`${soft ?? 'unknown'}; this kernel does not count maps towards it, but to the memory cgroup of the agent`) }];
    return [{ ...row, ...(soft === 'unlimited' ? pass('unlimited') : warn(`${soft ?? 'unknown'} bytes, and this kernel counts maps towards it`, 'ulimit -l unlimited, or LimitMEMLOCK=infinity in the unit.')) }];
  },
};
