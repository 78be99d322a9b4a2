/** The balancing of listeners as one step of the agent: opened when it is switched on, looks by the clock and when told. */
import type { Config } from '../../config/types.js';
import { wordsOf } from '../errors.js';
import type { Log } from '../log.js';
import { Balancer } from './balancer.js';
import type { Group } from './groups.js';
import { Owners } from './owners.js';
import { settingsOf, type Settings } from './settings.js';
import { MigrateSysctl } from './sysctl.js';
import type { Migration, ReuseportHost, Chooser } from './types.js';
import { viewOf, type ReuseportView } from './view.js';

/** A restart of many workers is many changes: they are looked at together. */
const leastMs = 20;

export class Reuseport {
  #config: Config;
  #settings: Settings;
  #chooser: Chooser | undefined;
  #balancer: Balancer | undefined;
  #owners: Owners | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #due = Infinity;
  #lookedAt = -Infinity;
  #failure = '';
  #stopped = false;
  #migration: Migration | undefined;
  readonly #sysctl: MigrateSysctl;

  constructor(
    config: Config,
    private readonly host: ReuseportHost,
    private readonly cgroupRoot: string,
    private readonly log: Log,
  ) {
    this.#config = config;
    this.#settings = settingsOf(config);
    this.#sysctl = new MigrateSysctl(host, log);
  }

  /** What an agent that died has left is taken over, or, when balancing is off now, taken away. */
  async start(): Promise<void> {
    try {
      if (!this.#settings.enabled && !this.host.leftovers(this.#config.bpf.pinPath)) return;
      this.#open();
      if (this.#settings.enabled) await this.#once();
      else await this.#leave();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Follows the configuration. */
  configure(config: Config): void {
    this.#config = config;
    this.#settings = settingsOf(config);
    void this.#serially(async () => {
      if (this.#settings.enabled && !this.#chooser) this.#open();
      if (!this.#settings.enabled && this.#chooser) await this.#leave();
      else if (this.#chooser) await this.#look();
    });
  }

  async stop(keep: boolean): Promise<void> {
    this.#stopped = true;
    this.#rest();
    await this.#running;
    if (!this.#chooser) return;
    if (keep) this.#chooser.close();
    else await this.#leave();
  }

  async rotate(wanted: (group: Group) => boolean): Promise<Group[]> {
    let rotated: Group[] = [];
    await this.#serially(async () => {
      if (this.#balancer) rotated = (await this.#balancer.rotate(wanted, this.#settings)).map(({ group }) => group);
    });
    return rotated;
  }

  /** As of a look right now. */
  async view(): Promise<ReuseportView> {
    await this.#once();
    const spaces = new Set(this.#balancer?.seen.map(({ group }) => group.first.netns));
    return { ...this.lastView(), sysctl: await this.#sysctl.read([...spaces]) };
  }

  /** As of the latest look; counters are of now. */
  lastView(): ReuseportView {
    return viewOf({
      settings: this.#settings, failure: this.#failure, migration: this.#migration, chooser: this.#chooser,
      seen: this.#balancer?.seen ?? [], ownerOf: (cookie) => this.#owners?.of(cookie),
    });
  }

  #open(): void {
    const { reuseport: { maxListeners, maxGroups }, bpf: { pinPath }, log: { level } } = this.#config;
    const chooser = this.host.open({ pinPath, maxListeners, maxGroups, verifierLog: level === 'debug' || level === 'trace' });
    this.#chooser = chooser;
    this.#owners = new Owners({ holders: (inodes) => this.host.holders(inodes), cgroupRoot: this.cgroupRoot });
    this.#balancer = new Balancer(chooser, this.#owners, { maxListeners, maxGroups }, this.log);
    chooser.onChange(() => { this.#next(Math.max(0, this.#lookedAt + leastMs - performance.now())); });
    if (chooser.info().tookOver) this.log.info('took over the groups of listeners of an earlier agent');
    void this.#probe();
  }

  async #probe(): Promise<void> {
    this.#migration = await this.host.probeMigration().catch((error: unknown) => ({ migrates: 'unknown' as const, wakes: 'unknown' as const, detail: String(error) }));
    if (this.#migration.wakes === 'no')
      this.log.warn('this kernel does not wake a listener to which connections of a closing one have moved: they wait until its next connection', { probe: this.#migration.detail });
  }

  #once(): Promise<void> {
    return this.#serially(() => this.#look());
  }

  async #look(): Promise<void> {
    if (!this.#balancer) return;
    this.#rest();
    await this.#balancer.look(this.#settings);
    this.#lookedAt = performance.now();
    const balanced = this.#balancer.seen.filter(({ why }) => why === 'balanced').map(({ group }) => group.first.netns);
    if (this.#settings.setMigrateSysctl) await this.#sysctl.set([...new Set(balanced)]);
    this.#failure = '';
  }

  async #leave(): Promise<void> {
    this.#rest();
    const left = (await this.#balancer?.leaveAll()) ?? [];
    if (left.length > 0)
      this.log.warn('groups of listeners keep the chooser until their last listener closes; their processes were not found', { ports: left.map(({ first }) => first.port) });
    await this.#sysctl.restore();
    this.#chooser?.close();
    this.#chooser = this.#balancer = this.#owners = undefined;
  }

  /** One after the other: a look and a change of what it looks at must not meet. Never rejects. */
  #serially(work: () => Promise<void>): Promise<void> {
    this.#running = this.#running.then(work).catch((error: unknown) => { this.#failed(error); }).finally(() => { this.#next(this.#settings.intervalMs); });
    return this.#running;
  }

  /** The next look, after this time at the latest. */
  #next(afterMs: number): void {
    const due = performance.now() + afterMs;
    if (this.#stopped || !this.#chooser || (this.#timer && this.#due <= due)) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => { void this.#once(); }, afterMs).unref();
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #failed(error: unknown): void {
    const message = wordsOf(error);
    if (message !== this.#failure) this.log.error('listeners could not be looked at; groups stay as they are', { error });
    this.#failure = message;
  }
}
