/** Pairs and profiles as people read them: the process behind each, its executable, its cgroup. */
import type { Endpoint, Pair, Profile } from '../datapath/types.js';
import type { PodIdentity } from '../kubernetes/types.js';
import { CgroupNames } from './cgroups.js';
import { commOf, executableOf, findHolders, type Process } from './proc.js';
import { verdictOf, type ProfileView } from './profiles.js';

export interface EndpointView extends Endpoint {
  /** Path of the executable; '' when nobody could tell. */
  executable: string;
  /** Path of the cgroup below the v2 mount; '' when nobody could tell. */
  cgroupPath: string;
  /** Null when it is none, or nobody asks Kubernetes. */
  pod: PodIdentity | null;
}

export interface PairView extends Pair {
  client: EndpointView;
  server: EndpointView;
}

export interface ResolverOptions {
  cgroupRoot: string;
  proc?: string;
  /** Longest search through /proc per call. */
  limitMs?: number;
  /** How long an inode that nobody holds is not looked for again. */
  retryMs?: number;
  /** Whose a cgroup is, by its path. */
  podOf?: (cgroupPath: string) => PodIdentity | null;
}

const ends = (pairs: readonly Pair[]): Endpoint[] => pairs.flatMap(({ client, server }) => [client, server]);
const isUnknown = ({ pid, inode }: Endpoint): boolean => pid === 0 && inode !== '0';

export class Resolver {
  readonly #proc: string;
  readonly #cgroups: CgroupNames;
  #known = new Map<string, Process>();
  #missed = new Map<string, number>();

  constructor(private readonly options: ResolverOptions) {
    this.#proc = options.proc ?? '/proc';
    this.#cgroups = new CgroupNames(options.cgroupRoot);
  }

  async resolve(pairs: readonly Pair[]): Promise<PairView[]> {
    await this.#search(new Set(ends(pairs).filter(isUnknown).map(({ inode }) => inode)));
    return pairs.map((pair) => ({ ...pair, client: this.#view(pair.client), server: this.#view(pair.server) }));
  }

  profiles(profiles: readonly Profile[]): ProfileView[] {
    return profiles.map((profile) => ({
      ...profile,
      verdict: verdictOf(profile),
      // The number may belong to another process by now.
      executable: commOf(this.#proc, profile.pid) === profile.comm ? executableOf(this.#proc, profile.pid) : '',
      cgroupPath: this.#cgroups.pathOf(profile.cgroup),
    }));
  }

  /** Whose a cgroup is, by its number; null: of no pod. */
  podOf(cgroup: string): PodIdentity | null { return this.options.podOf?.(this.#cgroups.pathOf(cgroup)) ?? null; }

  async #search(wanted: ReadonlySet<string>): Promise<void> {
    const now = performance.now();
    const { limitMs = 200, retryMs = 5000 } = this.options;
    // Only what is live is remembered, so that a closed connection cannot lend its name to a later inode.
    this.#known = new Map([...this.#known].filter(([inode]) => wanted.has(inode)));
    this.#missed = new Map([...this.#missed].filter(([inode, at]) => wanted.has(inode) && now - at < retryMs));
    const open = new Set([...wanted].filter((inode) => !this.#known.has(inode) && !this.#missed.has(inode)));
    if (open.size === 0) return;
    const holders = await findHolders(open, this.#proc, limitMs);
    for (const inode of open) {
      const holder = holders.get(inode);
      if (holder) this.#known.set(inode, holder);
      else this.#missed.set(inode, now);
    }
  }

  #view(end: Endpoint): EndpointView {
    const holder = isUnknown(end) ? this.#known.get(end.inode) : undefined;
    const pid = holder?.pid ?? end.pid;
    const comm = holder?.comm ?? end.comm;
    const cgroupPath = this.#cgroups.pathOf(end.cgroup);
    return {
      ...end,
      pid,
      comm: comm === '' && pid !== 0 ? commOf(this.#proc, pid) : comm,
      executable: executableOf(this.#proc, pid),
      cgroupPath,
      pod: this.options.podOf?.(cgroupPath) ?? null,
    };
  }
}
