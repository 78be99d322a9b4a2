/**
 * What `sidestep check --pre` asks before anything is installed: nothing is loaded, tried or changed, and what this user
 * may not see is said to be unseen, not to be missing.
 */
import { bpffsChecks } from './bpffs.js';
import { futureCapabilityChecks, seesPrograms } from './capabilities.js';
import { cgroupChecks } from './cgroup.js';
import { kernelChecks, sysctlChecks } from './kernel.js';
import { limitChecks, lockdownChecks, placeChecks, seccompChecks, userNamespaceChecks } from './surroundings.js';
import { mountOf, parseMounts } from './mounts.js';
import { ownersByProcess } from './neighbours.js';
import { runtimeChecks } from './runtime.js';
import { fail, info, pass, warn, type Check, type CheckProvider } from './types.js';

const cgroup = 'cgroup';

/** The self-test puts its throw-away sockets into a cgroup below the agent's own. */
export const delegationChecks: CheckProvider = {
  group: cgroup,
  run({ host }) {
    const name = 'delegated';
    const mounts = parseMounts(host.read('/proc/self/mountinfo') ?? '');
    const v2 = mounts.filter(({ type }) => type === 'cgroup2');
    if (v2.length === 0) return [];
    if (v2.every(({ readOnly }) => readOnly))
      return [{ group: cgroup, name, ...warn(`${v2.map(({ point }) => point).join(', ')} is mounted read-only: the self-test cannot make its cgroup`, 'Mount it writable for the agent; in a container, as a volume of the host.') }];
    // On a host with systemd each unit has a cgroup of its own, and Delegate=yes makes it the agent's.
    const systemd = host.inode('/run/systemd/system') !== undefined;
    return [{ group: cgroup, name, ...pass(systemd ? 'systemd delegates one to the unit of the agent (Delegate=yes)' : 'writable for root; no systemd delegates here, and none is needed') }];
  },
};

/** Not mounted yet is no failure before the installation, when this kernel can. */
export const mountableChecks: CheckProvider = {
  group: bpffsChecks.group,
  async run(context) {
    const { host, config } = context;
    const here = mountOf(parseMounts(host.read('/proc/self/mountinfo') ?? ''), config.bpf.pinPath);
    if (here?.type === 'bpf') return bpffsChecks.run(context);
    const row = { group: bpffsChecks.group, name: 'bpf.pinPath' };
    const known = /^nodev\tbpf$/m.test(host.read('/proc/filesystems') ?? '');
    return [known
      ? { ...row, ...warn(`${config.bpf.pinPath} is on ${here?.type ?? 'nothing'}; this kernel has the BPF file system, and it is not mounted there`, 'mount -t bpf bpf /sys/fs/bpf; systemd does so at every boot.') }
      : { ...row, ...fail('this kernel has no BPF file system', 'Use a kernel built with CONFIG_BPF_SYSCALL=y.') }];
  },
};

/** The oldest that is tested. */
const oldest = [6, 1] as const;

/** Only the version can be known without loading something: it is a hint, not a verdict. */
export const releaseChecks: CheckProvider = {
  group: kernelChecks.group,
  run({ host }) {
    const [major = 0, minor = 0] = host.release.split('.').map((part) => Number.parseInt(part, 10));
    const isOld = major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
    return [{
      group: kernelChecks.group, name: 'age',
      ...(isOld ? warn(`older than ${oldest.join('.')}, the oldest on which Sidestep is tested`, 'Try a newer kernel, or install and let `sidestep check` try this one.') : pass(`at least ${oldest.join('.')}; what it can do is tried by \`sidestep check\`, after the installation`)),
    }];
  },
};

/** Exactly, when this user may see programs of others; by well-known processes when not. */
const neighbourChecks = (owners: CheckProvider | undefined): CheckProvider => ({
  group: 'hooks',
  async run(context): Promise<Check[]> {
    const known = ownersByProcess(context.host);
    const unseen = (why: string): Check[] => [...known, { group: 'hooks', name: 'other owners', ...info(`could not see programs of others: ${why}`) }];
    if (owners === undefined) return unseen('the addon is not built yet');
    if (!seesPrograms(context.host.read('/proc/self/status') ?? '')) return unseen('that takes CAP_SYS_ADMIN and CAP_NET_ADMIN; run this again as root');
    return [...known, ...(await owners.run(context))];
  },
});

/** `owners`: the check of agent/datapath, which needs the addon; undefined when there is none. */
export const preProviders = (owners: CheckProvider | undefined): readonly CheckProvider[] => [
  placeChecks, userNamespaceChecks, kernelChecks, releaseChecks, lockdownChecks, cgroupChecks, delegationChecks, mountableChecks, futureCapabilityChecks, seccompChecks,
  limitChecks, sysctlChecks, neighbourChecks(owners), runtimeChecks(process.versions.node),
];

/** 0: good; 1: something to look at; 2: this host cannot run Sidestep as it is. */
export function preExitCode(checks: readonly Check[]): 0 | 1 | 2 {
  if (checks.some(({ result }) => result === 'fail')) return 2;
  return checks.some(({ result }) => result === 'warn') ? 1 : 0;
}
