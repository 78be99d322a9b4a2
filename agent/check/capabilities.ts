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

const heldIn = (status: string): bigint => BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);

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
