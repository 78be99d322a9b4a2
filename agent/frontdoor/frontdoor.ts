/** The front door as one step of the agent: listeners follow the configuration, backends follow the services. */
import type { Config } from '../../config/types.js';
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import { describeError, SidestepError } from '../errors.js';
import type { Log } from '../log.js';
import type { Mesh } from '../mesh/mesh.js';
import { Direct, type OpenDoor } from './direct.js';
import { targetsOf } from './targets.js';
import type { DoorHost, DoorLook, Doors, Place, RunningDoor, Target } from './types.js';
import { viewOf, type FrontDoorView } from './view.js';

/** How soon a change of a service is seen. A backend that does not answer is passed over at once, whatever this says. */
const followMs = 500;
/** One that ends sooner after its start is not started again at once. */
const steadyMs = 2000;

export interface DoorNeeds {
  readonly host: DoorHost;
  readonly mesh: Pick<Mesh, 'endpoints'>;
  /** Whether the endpoints of services are all there. */
  settled(): boolean;
}

export class FrontDoor {
  #config: Config;
  #doors: Doors | undefined;
  #since = 0;
  /** Those that are to be replaced, and those that were and drain. */
  #others: readonly RunningDoor[] = [];
  readonly #leaving = new Set<RunningDoor>();
  #timer: NodeJS.Timeout | undefined;
  #seen: DoorLook | undefined;
  /** Why there is no door process; '' when there is one, or none is wanted. */
  #trouble = '';
  /** What is in force, by name: the entry of the configuration, once the door knows it. */
  readonly #open = new Map<string, Place>();
  readonly #backends = new Map<string, string>();
  /** Listeners with backends of an earlier agent: better than none, until this one knows some. */
  readonly #inherited = new Set<string>();
  /** Why a listener is not there, by name. */
  readonly #failures = new Map<string, string>();
  /** Taken out of service by hand. */
  readonly #drained = new Set<string>();
  readonly #direct: Direct;
  /** One thing after the other. */
  #last: Promise<void> = Promise.resolve();
  #busy = 0;
  #restarts = 0;

  constructor(
    config: Config,
    private readonly needs: DoorNeeds,
    private readonly log: Log,
  ) {
    this.#config = config;
    this.#direct = new Direct(() => needs.host.direct(), log);
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#trying(async () => {
        const { fitting, others } = await this.needs.host.find(this.#config.frontdoor.threads);
        this.#others = others;
        if (fitting) await this.#takeOver(fitting);
      });
      await this.#apply();
    });
  }

  /** A listener that cannot be had costs only itself. */
  configure(config: Config): Promise<void> {
    return this.#inTurn(() => {
      this.#config = config;
      return this.#apply();
    });
  }

  /** Leaves the door to itself, or has it go: no more connections, and the last has ended, or was reset after this time. */
  async stop(how: { readonly keep: boolean; readonly patienceMs: number }): Promise<void> {
    clearInterval(this.#timer);
    await this.#inTurn(async () => {
      this.#direct.stop();
      const doors = this.#doors;
      this.#doors = undefined;
      const others = [...this.#others, ...this.#leaving];
      this.#leaving.clear();
      for (const other of others) other.release();
      if (how.keep) return doors?.release();
      const reset = await doors?.leave(how.patienceMs).catch((error: unknown) => {
        this.log.warn('the door process did not say how it ended', { because: describeError(error).message });
      });
      if (reset) this.log.warn('connections through the front door were reset: they had not ended in time', { connections: reset });
    });
    clearInterval(this.#timer);
  }

  /** By hand: no more connections through this listener, until it is undone or leaves the configuration. */
  drain(name: string, draining: boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#config.frontdoors.some((door) => door.name === name)) throw new SidestepError('not_found', `a front door of the name ${name}`);
      if (draining) this.#drained.add(name);
      else this.#drained.delete(name);
      const open = this.#open.get(name);
      if (draining && open) await this.#shut(open);
      this.#failures.delete(name);
      await this.#turn();
    });
  }

  async view(): Promise<FrontDoorView> {
    // One that does not answer is among the problems.
    this.#seen = await this.#doors?.look().catch(() => this.#seen);
    return this.lastView();
  }

  /** At most half a second old. */
  lastView(): FrontDoorView {
    const { pid, version } = this.#doors?.identity ?? {};
    return {
      process: pid === undefined || version === undefined ? null : { pid, version },
      restarts: this.#restarts,
      ...viewOf(this.#config.frontdoors, this.#seen, { failures: this.#failures, drained: this.#drained, otherwise: this.#trouble }, (name) => this.#direct.view(name)),
    };
  }

  problems(): string[] {
    return [
      ...(this.#trouble === '' ? [] : [this.#trouble]),
      ...this.#direct.problems(),
      ...[...this.#failures].map(([name, why]) => `the front door ${name} is not open: ${why}`),
      ...[...this.#drained].map((name) => `the front door ${name} was drained by hand; \`sidestep frontdoor drain --undo ${name}\` opens it`),
    ];
  }

  #inTurn(work: () => Promise<void> | undefined): Promise<void> {
    this.#busy++;
    const done = this.#last.then(work).finally(() => { this.#busy--; });
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #takeOver(doors: Doors): Promise<void> {
    this.#keep(doors);
    const { listeners } = (this.#seen = await doors.look());
    for (const row of listeners) {
      if (!row.open) continue;
      this.#open.set(row.name, row);
      this.#inherited.add(row.name);
    }
    const { pid, version } = doors.identity;
    this.log.info('the front door of an earlier agent goes on', { pid, version, listeners: this.#open.size });
  }

  #keep(doors: Doors): void {
    this.#doors = doors;
    this.#since = performance.now();
    void doors.gone.then(() => { if (this.#doors === doors) this.#lost(doors); });
  }

  /** Its connections are lost, or it drains; its listeners are back as soon as there is another. */
  #lost({ identity: { pid } }: Doors): void {
    this.#doors = undefined;
    this.#seen = undefined;
    this.#open.clear();
    this.#backends.clear();
    this.#inherited.clear();
    this.#restarts++;
    this.log.error('the door process ended or goes; another is started', { pid });
    if (performance.now() - this.#since > steadyMs) void this.#inTurn(() => this.#turn());
  }

  async #apply(): Promise<void> {
    const wanted = new Set(this.#config.frontdoors.map(({ name }) => name));
    for (const name of this.#failures.keys()) if (!wanted.has(name)) this.#failures.delete(name);
    for (const name of this.#drained) if (!wanted.has(name)) this.#drained.delete(name);
    await this.#turn();
    clearInterval(this.#timer);
    if (wanted.size === 0 && !this.#doors) return;
    this.#timer = setInterval(() => { if (this.#busy === 0) void this.#inTurn(() => this.#turn()); }, followMs).unref();
  }

  /** What could not be had before is asked for again: an address may come later than the agent. */
  #turn(): Promise<void> {
    return this.#trying(async () => {
      const { frontdoors, frontdoor: { threads } } = this.#config;
      for (const open of [...this.#open.values()])
        if (!frontdoors.some(({ name, address, port }) => name === open.name && address === open.address && port === open.port)) await this.#shut(open);
      const wanted = frontdoors.filter((door) => this.#open.get(door.name) !== door && !this.#drained.has(door.name));
      if (wanted.length > 0 && !this.#doors) this.#keep(await this.needs.host.start(threads, this.#others, wanted));
      for (const door of wanted) await this.#want(door);
      this.#dismiss();
      await this.#follow();
      await this.#direct.follow(this.#openDoors());
      this.#seen = await this.#doors?.look();
      if (frontdoors.length === 0 && this.#seen?.listeners.length === 0) await this.#leave();
    });
  }

  async #trying(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#trouble = '';
    } catch (error) {
      const { message, remedy } = describeError(error);
      if (this.#trouble !== message) this.log.error('the front door cannot be served', { because: message, remedy });
      this.#trouble = message;
    }
  }

  async #want(door: FrontDoorConfig): Promise<void> {
    const targets = this.#targets(door);
    try {
      if (this.#open.has(door.name)) {
        await this.#doors?.configure(door);
      } else {
        await this.#doors?.open(door, targets);
        this.#backends.set(door.name, JSON.stringify(targets));
        this.log.info('a front door is open', { listener: door.name, address: door.address, port: door.port });
      }
      this.#open.set(door.name, door);
      this.#failures.delete(door.name);
    } catch (error) {
      if (error instanceof SidestepError && error.code === 'frontdoor_process') throw error;
      const { message, remedy } = describeError(error);
      if (this.#failures.get(door.name) === message) return;
      this.#failures.set(door.name, message);
      this.log.error('a front door cannot be opened', { listener: door.name, because: message, remedy });
    }
  }

  /** Those that the door knows as the configuration has them. */
  #openDoors(but = ''): OpenDoor[] {
    const open = this.#config.frontdoors.filter((door) => door.name !== but && this.#open.get(door.name) === door);
    return open.map((door) => ({ door, targets: this.#targets(door) }));
  }

  async #shut({ name }: Place): Promise<void> {
    await this.#direct.follow(this.#openDoors(name));
    await this.#doors?.shut(name);
    this.#open.delete(name);
    this.#backends.delete(name);
    this.#inherited.delete(name);
    this.log.info('a front door is shut', { listener: name });
  }

  /** Those of another version go now that their listeners are here too. */
  #dismiss(): void {
    for (const other of this.#others) {
      const { pid, version } = other.identity;
      this.log.info('the front door of an earlier agent drains', { pid, version });
      this.#leaving.add(other);
      void other.leave().then(
        (reset) => { this.log.info('the front door of an earlier agent has gone', { pid, reset }); },
        (error: unknown) => {
          if (this.#leaving.has(other)) this.log.warn('the front door of an earlier agent did not say how it ended', { pid, because: describeError(error).message });
        },
      ).finally(() => this.#leaving.delete(other));
    }
    this.#others = [];
  }

  async #leave(): Promise<void> {
    const doors = this.#doors;
    this.#doors = undefined;
    this.#seen = undefined;
    clearInterval(this.#timer);
    await doors?.leave(0);
  }

  #targets(door: FrontDoorConfig): Target[] {
    return targetsOf(door, (service) => this.needs.mesh.endpoints(service));
  }

  async #follow(): Promise<void> {
    for (const door of this.#config.frontdoors) {
      if (this.#open.get(door.name) !== door) continue;
      const targets = this.#targets(door);
      if (this.#inherited.has(door.name) && door.service !== '' && (targets.length === 0 || !this.needs.settled())) continue;
      const told = JSON.stringify(targets);
      if (this.#backends.get(door.name) === told) continue;
      await this.#doors?.setBackends(door.name, targets);
      this.#backends.set(door.name, told);
      this.#inherited.delete(door.name);
    }
  }
}
