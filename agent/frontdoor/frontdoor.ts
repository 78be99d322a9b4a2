/** The front door as one step of the agent: listeners follow the configuration, backends follow the services. */
import type { Config } from '../../config/types.js';
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import { describeError, SidestepError } from '../errors.js';
import type { Log } from '../log.js';
import type { Mesh } from '../mesh/mesh.js';
import { targetsOf } from './targets.js';
import type { DoorHost, Doors } from './types.js';
import { noView, viewOf, type FrontDoorView } from './view.js';

/** How soon a change of a service is seen. A backend that does not answer is passed over at once, whatever this says. */
const followMs = 500;
/** How often it is asked whether the last connection has ended. */
const drainLookMs = 20;

export class FrontDoor {
  #config: Config;
  #doors: Doors | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** What is in force, by name. */
  readonly #open = new Map<string, FrontDoorConfig>();
  readonly #backends = new Map<string, string>();
  /** Why a listener is not there, by name. */
  readonly #failures = new Map<string, string>();
  /** Taken out of service by hand. */
  readonly #drained = new Set<string>();
  /** When what is left of a listener is cut, by its name: shut twice, all of it has the later time. */
  readonly #deadlines = new Map<string, NodeJS.Timeout>();

  constructor(
    config: Config,
    private readonly host: DoorHost,
    private readonly mesh: Pick<Mesh, 'endpoints'>,
    private readonly log: Log,
  ) {
    this.#config = config;
  }

  start(): void {
    this.configure(this.#config);
  }

  /** A listener that cannot be had costs only itself. */
  configure(config: Config): void {
    this.#config = config;
    const wanted = new Map(config.frontdoors.map((door) => [door.name, door]));
    for (const [name, door] of this.#open) {
      const next = wanted.get(name);
      if (next?.address !== door.address || next.port !== door.port) this.#shut(door);
    }
    for (const name of this.#failures.keys()) if (!wanted.has(name)) this.#failures.delete(name);
    for (const name of this.#drained) if (!wanted.has(name)) this.#drained.delete(name);
    this.#look();
    clearInterval(this.#timer);
    if (wanted.size > 0) this.#timer = setInterval(() => { this.#look(); }, followMs).unref();
  }

  /** No more connections; resolves when the last has ended, or was reset after this time. */
  async stop(patienceMs: number): Promise<void> {
    clearInterval(this.#timer);
    for (const timer of this.#deadlines.values()) clearTimeout(timer);
    if (!this.#doors) return;
    for (const door of this.#open.values()) this.#doors.shut(door.name);
    const deadline = performance.now() + patienceMs;
    const left = (): number => (this.#doors?.look().listeners ?? []).reduce((sum, { active }) => sum + active, 0);
    while (left() > 0 && performance.now() < deadline) await new Promise((resolve) => { setTimeout(resolve, drainLookMs); });
    if (left() > 0) this.log.warn('connections through the front door were reset: they had not ended in time', { connections: left() });
    this.#doors.close();
    this.#doors = undefined;
  }

  /** By hand: no more connections through this listener, until it is undone or leaves the configuration. */
  drain(name: string, draining: boolean): void {
    if (!this.#config.frontdoors.some((door) => door.name === name)) throw new SidestepError('not_found', `a front door of the name ${name}`);
    if (draining) this.#drained.add(name);
    else this.#drained.delete(name);
    const open = this.#open.get(name);
    if (draining && open) this.#shut(open);
    this.#failures.delete(name);
    this.#look();
  }

  view(): FrontDoorView {
    if (!this.#doors && this.#failures.size + this.#drained.size === 0) return noView;
    return viewOf(this.#config.frontdoors, this.#doors?.look(), { failures: this.#failures, drained: this.#drained });
  }

  problems(): string[] {
    return [
      ...[...this.#failures].map(([name, why]) => `the front door ${name} is not open: ${why}`),
      ...[...this.#drained].map((name) => `the front door ${name} was drained by hand; \`sidestep frontdoor drain --undo ${name}\` opens it`),
    ];
  }

  /** What could not be had before is asked for again: an address may come later than the agent. */
  #look(): void {
    for (const door of this.#config.frontdoors) if (this.#open.get(door.name) !== door && !this.#drained.has(door.name)) this.#want(door);
    this.#follow();
  }

  #want(door: FrontDoorConfig): void {
    const before = this.#open.get(door.name);
    try {
      this.#doors ??= this.host.open(this.#config.frontdoor.threads);
      if (!before) {
        this.#doors.open(door);
        this.log.info('a front door is open', { listener: door.name, address: door.address, port: door.port });
      } else {
        this.#doors.configure(door);
      }
      this.#open.set(door.name, door);
      this.#failures.delete(door.name);
    } catch (error) {
      const { message, remedy } = describeError(error);
      if (this.#failures.get(door.name) === message) return;
      this.#failures.set(door.name, message);
      this.log.error('a front door cannot be opened', { listener: door.name, because: message, remedy });
    }
  }

  #shut(door: FrontDoorConfig): void {
    const { name, drainTimeout } = door;
    this.#doors?.shut(name);
    this.#open.delete(name);
    this.#backends.delete(name);
    this.log.info('a front door is shut', { listener: name, drainTimeout });
    clearTimeout(this.#deadlines.get(name));
    this.#deadlines.set(name, setTimeout(() => {
      this.#deadlines.delete(name);
      this.#doors?.cut(name);
    }, drainTimeout).unref());
  }

  #follow(): void {
    for (const door of this.#open.values()) {
      const targets = targetsOf(door, (service) => this.mesh.endpoints(service));
      const told = JSON.stringify(targets);
      if (this.#backends.get(door.name) === told) continue;
      this.#doors?.setBackends(door.name, targets);
      this.#backends.set(door.name, told);
    }
  }
}
