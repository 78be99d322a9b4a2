/**
 * Listeners whose path is direct: calls go to backends that listen on this host, in its network namespace, and not through the door.
 * What cannot go there the door copies, as without this. Without such a listener there is no program in the kernel.
 */
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import { MOST_DOORS } from '../../config/frontdoor.js';
import { describeError } from '../errors.js';
import type { Log } from '../log.js';
import { memberId } from '../mesh/members.js';
import { MOST_SLOTS, type Address, type DirectBackend, type DirectDoor, type DirectKernel, type DirectView } from './direct-types.js';
import type { Target } from './types.js';

/** A listener that is open, and where its connections may go. */
export interface OpenDoor {
  readonly door: FrontDoorConfig;
  readonly targets: readonly Target[];
}

/** After the kernel refused the program it is not asked again for so long. */
const restMs = 30_000;

const idOf = ({ address, port }: Address): string => memberId(address, port);

export class Direct {
  #kernel: DirectKernel | undefined;
  /** Why there is no program; '' when there is, or none is wanted. */
  #trouble = '';
  #again = 0;
  /** Keys of backends and tallies of listeners, by their address and their name. Never two with one number. */
  readonly #keys = new Map<string, number>();
  readonly #tallies = new Map<string, number>();
  #lastKey = 0;
  #told = '';
  readonly #backends = new Map<string, readonly DirectBackend[]>();

  constructor(private readonly open: () => Promise<DirectKernel>, private readonly log: Log) {}

  /** What the kernel does from now on. `open`: all listeners that are. */
  async follow(open: readonly OpenDoor[]): Promise<void> {
    const wanted = open.filter(({ door }) => door.path === 'direct');
    if (wanted.length === 0) {
      this.stop();
      return;
    }
    try {
      const kernel = await this.#opened();
      if (kernel) await this.#apply(kernel, wanted, open);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Calls go through the door from now on. */
  stop(): void {
    this.#forget();
    this.#trouble = '';
    this.#again = 0;
  }

  #forget(): void {
    this.#kernel?.close();
    this.#kernel = undefined;
    this.#told = '';
    this.#keys.clear();
    this.#tallies.clear();
    this.#backends.clear();
  }

  problems(): string[] { return this.#trouble === '' ? [] : [`no backend of the front door is called directly, the door copies instead: ${this.#trouble}`]; }

  /** Undefined for a listener whose calls all go through the door. */
  view(name: string): DirectView | undefined {
    const index = this.#tallies.get(name), backends = this.#backends.get(name);
    return this.#kernel && index !== undefined && backends ? { ...this.#kernel.tally(index), backends } : undefined;
  }

  async #opened(): Promise<DirectKernel | undefined> {
    if (this.#kernel || performance.now() < this.#again) return this.#kernel;
    this.#again = performance.now() + restMs;
    this.#kernel = await this.open();
    this.log.info('backends of the front door that listen on this host are called directly');
    return this.#kernel;
  }

  async #apply(kernel: DirectKernel, wanted: readonly OpenDoor[], open: readonly OpenDoor[]): Promise<void> {
    const targets = new Map(wanted.flatMap((one) => one.targets.filter(({ weight }) => weight > 0).map((target) => [idOf(target), target] as const)));
    for (const [id, key] of this.#keys) {
      if (targets.has(id)) continue;
      kernel.forget(key);
      this.#keys.delete(id);
    }
    for (const id of targets.keys()) if (!this.#keys.has(id)) this.#keys.set(id, ++this.#lastKey);
    const asked = [...targets].map(([id, { address, port }]) => ({ id, key: this.#keys.get(id) ?? 0, address, port }));
    const { why, others } = await kernel.find(asked.map(({ key, address, port }) => ({ key, address, port })), wanted.map(({ door }) => door.port));
    const because = new Map(asked.map(({ id }, index) => [id, why[index] ?? '']));
    this.#number(kernel, wanted);
    const doors = wanted.map((one) => this.#doorOf(one, because));
    const elsewhere = this.#elsewhere(doors, open, others);
    const told = JSON.stringify([doors, elsewhere]);
    if (this.#told !== told) kernel.setDoors([...doors, ...elsewhere]);
    this.#told = told;
    this.#trouble = '';
  }

  #number(kernel: DirectKernel, wanted: readonly OpenDoor[]): void {
    const names = new Set(wanted.map(({ door }) => door.name));
    for (const name of this.#tallies.keys()) if (!names.has(name)) this.#tallies.delete(name);
    for (const name of this.#backends.keys()) if (!names.has(name)) this.#backends.delete(name);
    for (const name of names) {
      if (this.#tallies.has(name)) continue;
      const taken = new Set(this.#tallies.values());
      const free = Array.from({ length: MOST_DOORS }, (_, index) => index).find((index) => !taken.has(index)) ?? 0;
      kernel.resetTally(free);
      this.#tallies.set(name, free);
    }
  }

  #doorOf({ door, targets }: OpenDoor, because: ReadonlyMap<string, string>): DirectDoor {
    const backends: DirectBackend[] = [];
    const slots: { key: number; weight: number }[] = [];
    for (const target of targets) {
      const id = idOf(target);
      const no = target.weight === 0 ? 'it has no weight' : slots.length === MOST_SLOTS ? `${MOST_SLOTS} others are called directly` : (because.get(id) ?? '');
      backends.push({ address: target.address, port: target.port, because: no });
      if (no === '') slots.push({ key: this.#keys.get(id) ?? 0, weight: target.weight });
    }
    this.#backends.set(door.name, backends);
    const { address, port, allow, deny } = door;
    return { address, port, tally: this.#tallies.get(door.name) ?? 0, allow, deny, slots };
  }

  /** A listener of all addresses must not take what is for a socket of just one. */
  #elsewhere(doors: readonly DirectDoor[], open: readonly OpenDoor[], others: readonly Address[]): DirectDoor[] {
    const direct = new Set(doors.map(idOf));
    const places = new Map([...open.map(({ door }) => door), ...others].filter((place) => !direct.has(idOf(place))).map((place) => [idOf(place), place]));
    const ports = new Set(doors.map(({ port }) => port));
    return [...places.values()].filter(({ port, address }) => ports.has(port) && address !== '0.0.0.0' && address !== '::')
      .map(({ address, port }) => ({ address, port, tally: 0, allow: [], deny: [], slots: [] }));
  }

  #failed(error: unknown): void {
    const { message, remedy } = describeError(error);
    if (this.#trouble !== message) this.log.error('backends of the front door cannot be called directly; the door copies', { because: message, remedy });
    this.#trouble = message;
    // Better no rows than those of yesterday.
    this.#forget();
    this.#again = performance.now() + restMs;
  }
}
