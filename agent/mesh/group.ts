/** A service of one address family: its members, and what of them the kernel has to be told. Pure but for `now`. */
import type { ServiceConfig } from '../../config/service-types.js';
import { buildTable, type Table } from '../balance/table.js';
import type { Entry } from '../endpoints/types.js';
import { candidateOf, desperate, memberId, shapeOfMember, stateOf, weightOf, type Member, type Override, type Place } from './members.js';
import type { Numbers } from './numbers.js';
import type { KernelEndpoint, Vip } from './types.js';

/** What is to be written, in this order: endpoints, table, endpoints that are gone. */
export interface Writes {
  readonly put: KernelEndpoint[];
  readonly gone: number[];
}

export class Group {
  readonly members = new Map<string, Member>();
  /** By the key of the store, the member that it tells of. */
  readonly #byKey = new Map<string, Member>();
  service: ServiceConfig;
  /** Every check says that everybody is down; nobody believes it. */
  desperate = false;
  /** The kernel's table is not what it should be. */
  stale = true;
  /** The kernel has had a table of it. */
  tabled = false;
  /** The kernel did not take its latest table: it is tried again. */
  refused = false;

  constructor(
    service: ServiceConfig,
    readonly family: 4 | 6,
    readonly number: number,
    private readonly place: Place,
    private readonly numbers: Numbers,
    private readonly now: () => number,
  ) {
    this.service = service;
  }

  vips(addresses: readonly string[]): Vip[] {
    const { port, protocol } = this.service;
    return addresses.map((address) => ({ address, port, protocol, service: this.number }));
  }

  /** An entry of the store is there, or has changed. */
  tell(entry: Entry, fresh: boolean): Writes {
    const { address, port } = entry.record;
    const id = memberId(address, port);
    const before = this.#byKey.get(entry.key);
    const writes = before && before.id !== id ? this.forget(entry.key) : { put: [], gone: [] };
    let member = this.members.get(id);
    if (!member) {
      const since = fresh ? this.now() : undefined;
      member = { id, number: this.numbers.endpoint(this.number, id), address, port, since, told: new Map(), shape: '', checked: undefined, override: {}, state: 'up', weight: -1 };
      this.members.set(id, member);
    }
    member.told.set(entry.key, entry);
    this.#byKey.set(entry.key, member);
    this.#reshape(member);
    writes.put.push(...this.#judge(member));
    return writes;
  }

  /** An entry of the store has gone. */
  forget(key: string): Writes {
    const member = this.#byKey.get(key);
    if (!member) return { put: [], gone: [] };
    this.#byKey.delete(key);
    member.told.delete(key);
    if (member.told.size > 0) {
      this.#reshape(member);
      return { put: this.#judge(member), gone: [] };
    }
    this.members.delete(member.id);
    this.numbers.retire(this.number, member.id);
    this.stale = true;
    return { put: this.#judgeAll(), gone: [member.number] };
  }

  /** Of the checks of this host. */
  check(member: Member, up: boolean | undefined): KernelEndpoint[] {
    member.checked = up;
    return this.#judge(member);
  }

  override(member: Member, override: Override): KernelEndpoint[] {
    member.override = { ...member.override, ...override };
    this.stale = true;
    return this.#judge(member);
  }

  /** The table as it should be, and the endpoints whose weight in the kernel differs from it. */
  table(): { table: Table | undefined; put: KernelEndpoint[] } {
    const up = [...this.members.values()].filter(({ state }) => state === 'up');
    const { table, weights } = buildTable(this.service, up.map((member) => candidateOf(member, this.place)));
    const put: KernelEndpoint[] = [];
    for (const member of this.members.values()) {
      const weight = weights.get(member.number) ?? 0;
      if (member.weight === weight) continue;
      member.weight = weight;
      put.push(this.#row(member));
    }
    this.stale = false;
    return { table, put };
  }

  #reshape(member: Member): void {
    const shape = shapeOfMember(member, this.place);
    if (member.shape !== shape) this.stale = true;
    member.shape = shape;
  }

  #judge(member: Member): KernelEndpoint[] {
    const is = desperate(this.members.values());
    if (is !== this.desperate) return this.#judgeAll();
    return this.#settle(member);
  }

  #judgeAll(): KernelEndpoint[] {
    this.desperate = desperate(this.members.values());
    return [...this.members.values()].flatMap((member) => this.#settle(member));
  }

  #settle(member: Member): KernelEndpoint[] {
    const state = stateOf(member, this.desperate);
    const known = member.weight >= 0;
    if (known && state === member.state) return [];
    member.state = state;
    if (!known) member.weight = weightOf(member);
    this.stale = true;
    return [this.#row(member)];
  }

  #row({ number, address, port, weight, state, since }: Member): KernelEndpoint {
    const age = since === undefined ? undefined : this.now() - since;
    return { number, service: this.number, address, port, weight, state, age };
  }

}
