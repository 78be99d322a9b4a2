/**
 * One look at the host, and what follows: groups that are chosen get the chooser, once, and a description that is
 * replaced as a whole when it changes; groups that are not get the hash of the kernel back.
 */
import { SidestepError } from '../errors.js';
import type { Log } from '../log.js';
import { generationOf } from './generations.js';
import { decide, groupsOf, holdsOf, WHYS, type Group, type Holds, type Why } from './groups.js';
import type { Owners } from './owners.js';
import { placesOf, Troubles, type Places } from './seats.js';
import type { Settings } from './settings.js';
import type { ListenerSetup, Seat, Chooser, Sharer, SocketRef, Tables } from './types.js';

export interface Seen {
  readonly group: Group;
  readonly holds: Holds;
  readonly why: Why;
}

export interface Sizes {
  readonly maxListeners: number;
  readonly maxGroups: number;
}

interface Look {
  readonly settings: Settings;
  readonly tables: Tables;
  readonly places: Places;
}

const byChoice: ReadonlySet<Why> = new Set(['disabled', 'not_chosen', 'excluded']);

export class Balancer {
  seen: readonly Seen[] = [];
  readonly #troubles = new Troubles();
  /** Groups whose next listeners begin a generation. */
  readonly #rotating = new Set<number>();
  /** What was last written, to write only what changed. */
  readonly #written = new Map<string, string>();

  constructor(
    private readonly chooser: Chooser,
    private readonly owners: Owners,
    private readonly sizes: Sizes,
    private readonly log: Log,
  ) {}

  async look(settings: Settings): Promise<void> {
    const sharers = await this.chooser.walk();
    await this.owners.learn(sharers);
    this.#troubles.keep(new Set(sharers.map(({ cookie }) => cookie)));
    const tables = this.chooser.tables();
    const look = { settings, tables, places: placesOf(tables, this.sizes.maxListeners, this.sizes.maxGroups) };
    const groups = groupsOf(sharers);
    this.#clear(look, new Set(groups.map(({ id }) => id)));
    const before = new Map(this.seen.map((one) => [keyOf(one.group), one.why]));
    this.seen = groups.map((group) => this.#treat(group, look));
    for (const one of this.seen) this.#tell(one, before.get(keyOf(one.group)));
  }

  /** The listeners that these groups have now take no more connections as soon as there are others. */
  async rotate(wanted: (group: Group) => boolean, settings: Settings): Promise<Seen[]> {
    const meant = this.seen.filter(({ group, why }) => why === 'balanced' && wanted(group));
    for (const { group } of meant) this.#rotating.add(group.id);
    await this.look(settings);
    return meant;
  }

  /** Gives every group back to the hash of the kernel. Resolves to the groups that could not be reached. */
  async leaveAll(): Promise<Group[]> {
    const sharers = await this.chooser.walk();
    await this.owners.learn(sharers);
    const info = this.chooser.info();
    const ours = groupsOf(sharers).filter((group) => ['ours', 'old'].includes(holdsOf(group, info)));
    const left = ours.filter((group) => !this.#detach(group));
    const { listeners, groups } = this.chooser.tables();
    for (const { id } of groups) this.chooser.removeGroup(id);
    for (const { slot } of listeners) this.chooser.release(slot);
    return left;
  }

  #treat(group: Group, look: Look): Seen {
    const holds = holdsOf(group, this.chooser.info());
    let why = decide(group, holds, look.settings, (cookie) => this.owners.of(cookie));
    if (why === 'balanced') why = this.#troubles.of(group.sharers.map(({ cookie }) => cookie)) ?? why;
    if (why === 'balanced') why = this.#serve(group, holds, look);
    if (why !== 'balanced') this.#leave(group, holds, look);
    return { group, holds, why };
  }

  /** Describe first, attach last: the chooser never meets a group that it does not know. */
  #serve(group: Group, found: Holds, { settings, tables, places }: Look): Why {
    const holds = this.#takenOver(group, found);
    const attached = holds !== 'none';
    // Without the chooser, what is written under this number is of a group that has gone.
    if (!attached) this.#forget(group.id, tables);
    const seats = attached ? tables.listeners.filter((seat) => seat.group === group.id) : [];
    const totals = attached ? tables.groups.find(({ id }) => id === group.id) : undefined;
    const index = totals?.index ?? places.indexes.take();
    if (index === undefined) return 'too_many';

    const seatOf = new Map(seats.map((seat) => [seat.cookie, seat]));
    const known = seats.map((seat) => ({ generation: seat.generation, processGroup: this.owners.of(seat.cookie)?.processGroup ?? 0 }));
    let generation = (totals?.generation ?? 0) + (this.#rotating.delete(group.id) ? 1 : 0);
    const slots: number[] = [];
    let complete = true;
    for (const sharer of group.sharers) {
      const seat = seatOf.get(sharer.cookie);
      const processGroup = this.owners.of(sharer.cookie)?.processGroup ?? 0;
      const born = seat?.generation ?? generationOf(processGroup, known, generation, settings.autoGenerations && seats.length > 0);
      if (!seat) known.push({ generation: born, processGroup });
      const setup = this.#setupOf(sharer, born, settings);
      if (!seat) {
        const slot = this.#enlist(sharer, setup, seats.length > 0, places);
        if (slot === undefined) complete = false;
        else slots.push(slot);
      } else {
        if (this.#changed(`listener ${seat.slot}`, { cookie: seat.cookie, ...setup })) this.chooser.amend(seat.slot, setup);
        slots.push(seat.slot);
      }
      generation = Math.max(generation, born);
    }
    // A listener without a seat would get nothing, so a group is served as a whole or not at all.
    if (!complete && !attached) return 'unreachable';
    const setup = {
      policy: settings.policyOf(group.first.protocol), stuckMs: settings.stuckMs, graceMs: settings.graceMs, busyMs: settings.busyMsOf(group.first.protocol),
      generation, socks: group.first.socks, index, slots,
    };
    if (this.#changed(`group ${group.id}`, setup)) this.chooser.writeGroup(group.id, setup);
    for (const { slot, cookie } of seats) if (!group.sharers.some((sharer) => sharer.cookie === cookie)) this.chooser.release(slot);
    return holds !== 'ours' && !this.#attach(group) ? 'unreachable' : 'balanced';
  }

  /** The chooser of an earlier version is replaced in place when its tables are ours; otherwise it goes first. */
  #takenOver(group: Group, holds: Holds): Holds {
    if (holds !== 'old' || this.chooser.info().tookOver) return holds;
    this.#detach(group);
    return 'none';
  }

  #setupOf(sharer: Sharer, generation: number, settings: Settings): ListenerSetup {
    const owner = this.owners.of(sharer.cookie);
    const policy = settings.policyOf(sharer.protocol);
    return {
      group: sharer.group, generation,
      weight: policy === 'weighted' ? settings.weightOf(sharer, owner) : 1,
      cpus: policy === 'cpu' ? (owner?.cpus ?? []) : [],
    };
  }

  #enlist(sharer: Sharer, setup: ListenerSetup, fresh: boolean, { slots }: Places): number | undefined {
    const { cookie } = sharer;
    const socket = this.owners.socket(cookie);
    const slot = slots.take();
    if (slot === undefined) this.#troubles.note(cookie, 'too_many');
    else if (!socket) this.#troubles.note(cookie, 'unreachable');
    else {
      try {
        if (this.chooser.enlist(slot, { ...setup, fresh }, socket) === 'done') {
          this.#troubles.clear(cookie);
          this.#changed(`listener ${slot}`, { cookie, ...setup });
          return slot;
        }
        this.owners.forget(cookie);
        this.#troubles.note(cookie, 'unreachable');
      } catch (error) {
        if (!(error instanceof SidestepError) || error.code !== 'hook_busy') throw error;
        this.#troubles.note(cookie, 'busy');
      }
    }
    if (slot !== undefined) slots.giveBack(slot);
    return undefined;
  }

  #attach(group: Group): boolean {
    return this.#throughAny(group, (socket) => this.chooser.attach(socket) === 'done');
  }

  #detach(group: Group): boolean {
    return this.#throughAny(group, (socket) => this.chooser.detach(socket) === 'done');
  }

  /** The chooser belongs to the group: any of its sockets will do. */
  #throughAny({ sharers }: Group, act: (socket: SocketRef) => boolean): boolean {
    return sharers.some(({ cookie }) => {
      const socket = this.owners.socket(cookie);
      if (socket && act(socket)) return true;
      this.owners.forget(cookie);
      return false;
    });
  }

  #leave(group: Group, holds: Holds, { tables }: Look): void {
    if ((holds === 'ours' || holds === 'old') && !this.#detach(group)) {
      this.log.warn('a group of listeners could not be given back; its listeners were not reached', placeOf(group));
      return;
    }
    this.#forget(group.id, tables);
  }

  /** What is written of groups that are no more. */
  #clear({ tables }: Look, live: ReadonlySet<number>): void {
    const ids = new Set([...tables.groups.map(({ id }) => id), ...tables.listeners.map(({ group }) => group)]);
    for (const id of ids) if (!live.has(id)) this.#forget(id, tables);
  }

  #forget(id: number, { groups, listeners }: Tables): void {
    if (groups.some((group) => group.id === id)) this.chooser.removeGroup(id);
    for (const { slot } of listeners.filter((seat: Seat) => seat.group === id)) this.chooser.release(slot);
    this.#written.delete(`group ${id}`);
    this.#rotating.delete(id);
  }

  #changed(what: string, value: object): boolean {
    const text = JSON.stringify(value);
    if (this.#written.get(what) === text) return false;
    this.#written.set(what, text);
    return true;
  }

  #tell({ group, why }: Seen, before: Why | undefined): void {
    if (why === before) return;
    const place = placeOf(group);
    if (why === 'balanced') this.log.info('balancing a group of listeners', place);
    else if (!byChoice.has(why)) this.log.warn('a group of listeners was chosen and is not balanced', { ...place, why, because: WHYS[why], chooser: group.first.program?.name });
    else if (before === 'balanced') this.log.info('a group of listeners is the kernel\'s again', { ...place, why, because: WHYS[why] });
    else this.log.debug('a group of listeners is left alone', { ...place, why });
  }
}

/** A number of the kernel may name another group later; the port does not. */
const keyOf = ({ id, first: { netns, protocol, address, port } }: Group): string => `${id} ${netns} ${protocol} ${address} ${port}`;

const placeOf = ({ first, sharers }: Group): Record<string, unknown> => ({
  protocol: first.protocol, address: first.address, port: first.port, netns: first.netns, listeners: sharers.length,
});
