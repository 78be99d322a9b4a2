/** Lists in one value, comma separated: ports, workloads, weights. Pure; undefined for what is none. */

export type Protocol = 'tcp' | 'udp';

export interface PortRange {
  readonly from: number;
  readonly to: number;
  /** Undefined: both. */
  readonly protocol: Protocol | undefined;
}

export type Workload =
  | { readonly kind: 'comm'; readonly name: string }
  | { readonly kind: 'executable'; readonly path: string }
  /** This cgroup and those below it. */
  | { readonly kind: 'cgroup'; readonly path: string };

export interface Weight {
  readonly workload: Workload;
  readonly weight: number;
}

function each<T>(text: string, read: (item: string) => T | undefined): T[] | undefined {
  const items = text.trim() === '' ? [] : text.split(',').map((item) => read(item.trim()));
  return items.includes(undefined) ? undefined : (items as T[]);
}

function readPort(text: string): PortRange | undefined {
  const [, first, last = first, protocol] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  return from >= 1 && to >= from && to <= 65535 ? { from, to, protocol: protocol as Protocol | undefined } : undefined;
}

// The kernel clips names of commands to 15 bytes.
const isComm = (text: string): boolean => /^[^\s/,=]{1,15}$/.test(text);

function readWorkload(text: string): Workload | undefined {
  if (text.startsWith('cgroup:')) {
    const path = text.slice('cgroup:'.length);
    return path.startsWith('/') ? { kind: 'cgroup', path } : undefined;
  }
  if (text.startsWith('/')) return { kind: 'executable', path: text };
  return isComm(text) ? { kind: 'comm', name: text } : undefined;
}

function readWeight(text: string): Weight | undefined {
  const [, name = '', number = ''] = /^(.+)=(\d{1,4})$/.exec(text) ?? [];
  const workload = readWorkload(name);
  const weight = Number(number);
  return workload && weight >= 1 && weight <= 1000 ? { workload, weight } : undefined;
}

export const readPorts = (text: string): PortRange[] | undefined => each(text, readPort);
export const readWorkloads = (text: string): Workload[] | undefined => each(text, readWorkload);
export const readWeights = (text: string): Weight[] | undefined => each(text, readWeight);

export const isPortList = (text: string): boolean => readPorts(text) !== undefined;
export const isWorkloadList = (text: string): boolean => readWorkloads(text) !== undefined;
export const isWeightList = (text: string): boolean => readWeights(text) !== undefined;
