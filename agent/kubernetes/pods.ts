/** The pods of this node: who a cgroup belongs to, and which of them want to be left alone. */
import type { Annotated } from '../scope/annotated.js';
import { parsePorts, type Ports } from './ports.js';
import { podOf } from './cgroups.js';
import { PREFIX } from './read.js';
import type { Pod, PodIdentity } from './types.js';

/** What a pod asks for by annotation, and where its cgroup is known. */
export interface OptOut {
  readonly pod: string;
  readonly uid: string;
  /** `sidestep.io/accelerate: disabled` */
  readonly annotation: string;
  readonly effect: Annotated['effect'];
  /** Undefined: all of its connections. */
  readonly ports: Ports | undefined;
}

const nameOf = ({ namespace, name }: PodIdentity): string => `${namespace}/${name}`;

const wanted = ['enabled', 'disabled', 'observe'] as const;

/** The annotations of one pod as rules, and what is wrong with them. A wish that nobody understands is taken as one to be left alone. */
export function optOutsOf(pod: Pod): { outs: OptOut[]; problems: string[] } {
  const { accelerate, 'exclude-ports': ports } = pod.wishes;
  const of = (key: string, value: string, which: Ports | undefined, effect: OptOut['effect'] = 'exclude'): OptOut =>
    ({ pod: nameOf(pod), uid: pod.uid, annotation: `${PREFIX}${key}: ${value}`, ports: which, effect });
  const wrong = (key: string, value: string, expected: string): string =>
    `annotation ${PREFIX}${key} of pod ${nameOf(pod)}: given ${JSON.stringify(value)}, expected ${expected}; the pod is left alone until it is corrected`;
  if (accelerate !== undefined && !wanted.some((word) => word === accelerate))
    return { outs: [of('accelerate', accelerate, undefined)], problems: [wrong('accelerate', accelerate, `one of ${wanted.join(', ')}`)] };
  if (accelerate === 'disabled') return { outs: [of('accelerate', accelerate, undefined)], problems: [] };
  const observed = accelerate === 'observe' ? [of('accelerate', accelerate, undefined, 'observe')] : [];
  if (ports === undefined) return { outs: observed, problems: [] };
  const ranges = parsePorts(ports);
  if (!ranges) return { outs: [of('exclude-ports', ports, undefined)], problems: [wrong('exclude-ports', ports, 'ports such as "6379, 8000-8099"')] };
  return { outs: [...ranges.map((range) => of('exclude-ports', ports, range)), ...observed], problems: [] };
}

export class Pods {
  readonly #byUid = new Map<string, Pod>();

  change(before: Pod | undefined, now: Pod | undefined): void {
    // A pod of the same name may have come before the old one has gone.
    if (before && this.#byUid.get(before.uid) === before) this.#byUid.delete(before.uid);
    if (now) this.#byUid.set(now.uid, now);
  }

  /** `path`: of a cgroup, below the v2 mount. */
  of(path: string): PodIdentity | null {
    const found = this.#byUid.get(podOf(path)?.uid ?? '');
    return found ? { namespace: found.namespace, name: found.name, workload: found.workload } : null;
  }

  get size(): number { return this.#byUid.size; }
  all(): Pod[] { return [...this.#byUid.values()]; }
}
