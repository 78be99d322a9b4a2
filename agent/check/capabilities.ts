import { fail, pass, warn, type Check, type CheckProvider } from './types.js';

const group = 'capabilities';

interface Need {
  readonly name: string;
  readonly bit: bigint;
  readonly why: string;
  readonly required: boolean;
}

const sysAdmin = 21n;
const needs: readonly Need[] = [
  { name: 'CAP_BPF', bit: 39n, why: 'to load programs and maps', required: true },
  { name: 'CAP_NET_ADMIN', bit: 12n, why: 'to attach them to sockets and cgroups', required: true },
  { name: 'CAP_PERFMON', bit: 38n, why: 'to read kernel structures and iterate sockets', required: true },
  { name: 'CAP_SYS_ADMIN', bit: sysAdmin, why: 'to look at programs and maps of others by their number', required: false },
  { name: 'CAP_SYS_PTRACE', bit: 19n, why: 'to name the processes of other users', required: false },
];

// Before Linux 5.8 split them off, CAP_SYS_ADMIN was both; it still grants them.
const has = (held: bigint, need: Need): boolean =>
  ((held >> need.bit) & 1n) === 1n || (/BPF|PERFMON/.test(need.name) && ((held >> sysAdmin) & 1n) === 1n);

function check(held: bigint, need: Need): Check {
  const { name } = need;
  if (has(held, need)) return { group, name, ...pass(need.why) };
  const detail = `missing; it is needed ${need.why}`;
  return need.required
    ? { group, name, ...fail(detail, `Run as root, or grant ${name}.`) }
    : { group, name, ...warn(detail, `Grant ${name} if you want that.`) };
}

const setIn = (status: string, set: 'CapEff' | 'CapBnd'): bigint =>
  BigInt(`0x${new RegExp(`^${set}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
const heldIn = (status: string): bigint => setIn(status, 'CapEff');

/** Names of what the agent cannot do without and the process of this /proc/<pid>/status does not have. */
export function missingCapabilities(status: string): string[] {
  return needs.filter((need) => need.required && !has(heldIn(status), need)).map(({ name }) => name);
}

export const capabilityChecks: CheckProvider = {
  group,
  run({ host }) {
    const held = heldIn(host.read('/proc/self/status') ?? '');
    return needs.map((need) => check(held, need));
  },
};

/** Before the agent is there: what this process lacks root may have, unless it is a container that was never given it. */
export const futureCapabilityChecks: CheckProvider = {
  group,
  run({ host }) {
    const status = host.read('/proc/self/status') ?? '';
    return needs.map((need): Check => {
      const { name, why, required } = need;
      if (has(heldIn(status), need)) return { group, name, ...pass(why) };
      if (has(setIn(status, 'CapBnd'), need)) return { group, name, ...warn(`not held by this user; root has it here, and the agent needs it ${why}`, 'Start the agent as root, as its unit does.') };
      const detail = `not even root has it here; the agent needs it ${why}`;
      const remedy = `Grant ${name}; in a container: securityContext.capabilities.add, or --cap-add.`;
      return { group, name, ...(required ? fail(detail, remedy) : warn(detail, remedy)) };
    });
  },
};

/** Whether this process sees programs of others: the kernel shows them to nobody else. */
export const seesPrograms = (status: string): boolean => needs.every((need) => !['CAP_NET_ADMIN', 'CAP_SYS_ADMIN'].includes(need.name) || has(heldIn(status), need));
