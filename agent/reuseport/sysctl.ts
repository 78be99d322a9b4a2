/** net.ipv4.tcp_migrate_req: read for whoever asks, set where the configuration says so, put back at the end. */
import type { Log } from '../log.js';
import type { ReuseportHost } from './types.js';

export interface SysctlState {
  readonly netns: number;
  readonly on: boolean;
}

export class MigrateSysctl {
  /** Namespaces in which we switched it on. */
  readonly #ours = new Set<number>();
  readonly #asked = new Set<number>();

  constructor(
    private readonly host: Pick<ReuseportHost, 'migrateSysctl'>,
    private readonly log: Log,
  ) {}

  read(namespaces: readonly number[]): Promise<SysctlState[]> {
    return namespaces.length === 0 ? Promise.resolve([]) : this.host.migrateSysctl(namespaces);
  }

  async set(namespaces: readonly number[]): Promise<void> {
    const fresh = namespaces.filter((netns) => !this.#asked.has(netns));
    if (fresh.length === 0) return;
    for (const netns of fresh) this.#asked.add(netns);
    const off = (await this.read(fresh)).filter(({ on }) => !on).map(({ netns }) => netns);
    if (off.length === 0) return;
    await this.host.migrateSysctl(off, true);
    for (const netns of off) this.#ours.add(netns);
    this.log.info('set net.ipv4.tcp_migrate_req to 1', { namespaces: off });
  }

  async restore(): Promise<void> {
    const ours = [...this.#ours];
    this.#ours.clear();
    this.#asked.clear();
    if (ours.length > 0) await this.host.migrateSysctl(ours, false);
  }
}
