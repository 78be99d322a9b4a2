/**
 * What pods ask for by annotation, as rules of the scope. The cgroup of a pod is there a moment after the pod is known, and
 * goes a moment before; both are looked for.
 */
import type { Annotated } from '../scope/annotated.js';
import { podCgroups } from './cgroups.js';
import { optOutsOf, type OptOut } from './pods.js';
import type { Pod } from './types.js';

const everyMs = 500;
/** After so long a cgroup is missing, and not late. */
const lateMs = 30_000;

export const ruleOf = ({ pod, annotation, ports, effect }: OptOut, cgroup: string): Annotated => ({
  effect,
  text: `cgroup:${cgroup}${ports ? ` port:${String(ports.first)}-${String(ports.last)}` : ''}`,
  origin: `annotation ${annotation} of pod ${pod}`,
});

export class OptOuts {
  #outs: readonly OptOut[] = [];
  #problems: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Pods whose cgroup is not there, by name, and since when. */
  #missing = new Map<string, number>();

  constructor(
    private readonly cgroupRoot: string,
    private readonly annotate: (rules: readonly Annotated[]) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get problems(): readonly string[] {
    const late = [...this.#missing].filter(([, since]) => this.now() - since >= lateMs);
    return [...this.#problems, ...late.map(([pod]) => `pod ${pod} asks to be left alone and is not: its cgroup is not found below ${this.cgroupRoot}`)];
  }

  get size(): number { return new Set(this.#outs.map(({ uid }) => uid)).size; }

  /** Not before the pods have been read: what was excluded before stays so until then. */
  set(pods: readonly Pod[]): void {
    const read = pods.map(optOutsOf);
    const outs = read.flatMap((one) => one.outs);
    // Room for rules is limited: what concerns a whole pod comes first.
    this.#outs = [...outs.filter(({ ports }) => !ports), ...outs.filter(({ ports }) => ports)];
    this.#problems = read.flatMap(({ problems }) => problems);
    this.#look();
    this.#timer ??= setInterval(() => { if (this.#missing.size > 0) this.#look(); }, everyMs).unref();
  }

  stop(): void { clearInterval(this.#timer); }

  #look(): void {
    const cgroups = this.#outs.length === 0 ? new Map<string, string>() : podCgroups(this.cgroupRoot);
    const absent = this.#outs.filter(({ uid }) => !cgroups.has(uid));
    this.#missing = new Map(absent.map(({ pod }) => [pod, this.#missing.get(pod) ?? this.now()]));
    this.annotate(this.#outs.flatMap((out) => { const cgroup = cgroups.get(out.uid); return cgroup === undefined ? [] : [ruleOf(out, cgroup)]; }));
  }
}
