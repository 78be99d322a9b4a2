/** What the operator chose, ready to be asked. Pure. */
import type { Config, ReuseportPolicy } from '../../config/types.js';
import { readPorts, readWeights, readWorkloads, type PortRange, type Workload } from '../../config/lists.js';
import type { Owner } from './owners.js';
import type { Sharer } from './types.js';

export interface Settings {
  readonly enabled: boolean;
  readonly stuckMs: number;
  readonly graceMs: number;
  readonly autoGenerations: boolean;
  readonly setMigrateSysctl: boolean;
  readonly intervalMs: number;
  policyOf(protocol: Sharer['protocol']): ReuseportPolicy;
  weightOf(owner: Owner | undefined): number;
  /** By port alone; most groups are decided without knowing who listens. */
  namesPort(sharer: Sharer): boolean;
  namesWorkload(owner: Owner): boolean;
  excludes(sharer: Sharer, owner: Owner | undefined): boolean;
}

const inRange = ({ port, protocol }: Sharer) => (range: PortRange): boolean =>
  port >= range.from && port <= range.to && (range.protocol === undefined || range.protocol === protocol);

/** `/web` names `/web` and all below it, not `/website`. */
const isBelow = (path: string, top: string): boolean => top === '/' || path === top || path.startsWith(`${top}/`);

export const isWorkload = (owner: Owner) => (workload: Workload): boolean => {
  switch (workload.kind) {
    case 'comm': return owner.comm === workload.name;
    case 'executable': return owner.executable === workload.path;
    case 'cgroup': return isBelow(owner.cgroupPath, workload.path);
  }
};

export function settingsOf({ reuseport }: Config): Settings {
  const all = reuseport.ports === 'all';
  const ports = all ? [] : (readPorts(reuseport.ports) ?? []);
  const workloads = readWorkloads(reuseport.workloads) ?? [];
  const excludedPorts = readPorts(reuseport.excludePorts) ?? [];
  const excludedWorkloads = readWorkloads(reuseport.excludeWorkloads) ?? [];
  const weights = readWeights(reuseport.weights) ?? [];
  return {
    enabled: reuseport.enabled,
    stuckMs: reuseport.stuckAfter,
    graceMs: reuseport.graceTime,
    autoGenerations: reuseport.generations === 'auto',
    setMigrateSysctl: reuseport.migrateSysctl === 'set',
    intervalMs: reuseport.interval,
    policyOf: (protocol) => (protocol === 'udp' ? reuseport.udpPolicy : reuseport.policy),
    weightOf: (owner) => (owner && weights.find(({ workload }) => isWorkload(owner)(workload))?.weight) ?? 1,
    namesPort: (sharer) => all || ports.some(inRange(sharer)),
    namesWorkload: (owner) => workloads.some(isWorkload(owner)),
    excludes: (sharer, owner) => excludedPorts.some(inRange(sharer)) || (owner !== undefined && excludedWorkloads.some(isWorkload(owner))),
  };
}
