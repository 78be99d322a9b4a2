/** What the operator chose, ready to be asked. Pure. */
import ipaddr from 'ipaddr.js';
import type { Config, ReuseportPolicy } from '../../config/types.js';
import { parseSelector, type Selector } from '../../config/selector.js';
import { parseWeight, type Weight } from '../../config/weight.js';
import type { Owner } from './owners.js';
import type { Sharer } from './types.js';

export interface Settings {
  readonly enabled: boolean;
  readonly stuckMs: number;
  /** 0: no listener of this protocol counts as busy. */
  readonly busyMsOf: (protocol: Sharer['protocol']) => number;
  readonly graceMs: number;
  readonly autoGenerations: boolean;
  readonly setMigrateSysctl: boolean;
  readonly intervalMs: number;
  policyOf(protocol: Sharer['protocol']): ReuseportPolicy;
  weightOf(sharer: Sharer, owner: Owner | undefined): number;
  includes(sharer: Sharer, owner: Owner | undefined): boolean;
  excludes(sharer: Sharer, owner: Owner | undefined): boolean;
}

/** `/web` names `/web` and all below it, not `/website`. */
const isBelow = (path: string, top: string): boolean => top === '/' || path === top || path.startsWith(`${top}/`);

const addressBytes = (address: string): number[] => {
  const parsed = ipaddr.parse(address);
  return (parsed.kind() === 'ipv4' ? (parsed as ipaddr.IPv4).toIPv4MappedAddress() : parsed).toByteArray();
};

function isInside(address: string, network: NonNullable<Selector['network']>): boolean {
  const bytes = addressBytes(address);
  return network.address.every((byte, index) => {
    const bits = Math.min(8, Math.max(0, network.prefix - index * 8));
    return (byte ^ (bytes[index] ?? 0)) >> (8 - bits) === 0;
  });
}

/** A term about the process matches nobody while it is not known who that is. */
export function matches({ program, exe, cgroup, ports, network, user }: Selector, sharer: Sharer, owner: Owner | undefined): boolean {
  return (
    (program === undefined || owner?.comm === program) &&
    (exe === undefined || owner?.executable === exe) &&
    (cgroup === undefined || (owner !== undefined && isBelow(owner.cgroupPath, cgroup))) &&
    (ports === undefined || (sharer.port >= ports.first && sharer.port <= ports.last)) &&
    (network === undefined || isInside(sharer.address, network)) &&
    (user === undefined || (owner !== undefined && (owner.user === user || String(sharer.uid) === user)))
  );
}

// The configuration was checked when it was loaded.
const selectorsOf = (texts: readonly string[]): Selector[] => texts.map(parseSelector).filter((one) => typeof one !== 'string');
const weightsOf = (texts: readonly string[]): Weight[] => texts.map(parseWeight).filter((one) => typeof one !== 'string');

export function settingsOf({ reuseport }: Config): Settings {
  const [include, exclude] = [selectorsOf(reuseport.include), selectorsOf(reuseport.exclude)];
  const weights = weightsOf(reuseport.weights);
  return {
    enabled: reuseport.enabled,
    stuckMs: reuseport.stuckAfter,
    // Other policies choose by themselves, and nobody accepts datagrams.
    busyMsOf: (protocol) => (protocol === 'tcp' && (reuseport.policy === 'least-queue' || reuseport.policy === 'cpu') ? reuseport.busyAfter : 0),
    graceMs: reuseport.graceTime,
    autoGenerations: reuseport.generations === 'auto',
    setMigrateSysctl: reuseport.migrateSysctl === 'set',
    intervalMs: reuseport.interval,
    policyOf: (protocol) => (protocol === 'udp' ? reuseport.udpPolicy : reuseport.policy),
    weightOf: (sharer, owner) => weights.find(({ selector }) => matches(selector, sharer, owner))?.weight ?? 1,
    includes: (sharer, owner) => include.some((selector) => matches(selector, sharer, owner)),
    excludes: (sharer, owner) => exclude.some((selector) => matches(selector, sharer, owner)),
  };
}
