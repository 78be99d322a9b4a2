/**
 * From what the store knows to what the kernel does. A changed endpoint is one write; the table of its service follows in
 * the next turn of the loop, once for however many changes. A service that is being written waits, the others do not. A
 * virtual address follows the first table of its service: before that it would lead nowhere.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { familyOf } from '../../config/services.js';
import type { ServiceConfig } from '../../config/service-types.js';
import type { Table } from '../balance/table.js';
import type { EndpointStore, Touched } from '../endpoints/store.js';
import { SidestepError } from '../errors.js';
import type { Log } from '../log.js';
import { Group, type Writes } from './group.js';
import { memberId, shapeOf, type Member, type Override, type Place } from './members.js';
import { Numbers } from './numbers.js';
import type { Found, MeshKernel, Vip } from './types.js';

const soonMs = 5000;
/** From a table that the kernel did not take to the next attempt. */
const againMs = 1000;

const groupName = (service: string, family: 4 | 6): string => `${service} ${family}`;
const vipName = ({ address, port, protocol }: Vip): string => `${address} ${port} ${protocol}`;
const families = [4, 6] as const;

export class Balancer {
  readonly #groups = new Map<string, Group>();
  /** As they should be, and as the kernel has them. */
  #vips = new Map<string, Vip>();
  readonly #written = new Map<string, Vip>();
  /** Services that there are no more, whose numbers an address may still have. */
  readonly #leaving = new Set<Group>();
  readonly #writing = new Set<Group>();
  #again: NodeJS.Timeout | undefined;
  readonly #numbers: Numbers;
  #dead = false;
  #scheduled = false;
  #idle: Promise<unknown> = Promise.resolve();
  /** Tables that were written, and writes that failed. */
  swaps = 0;
  failures = 0;

  constructor(
    private readonly kernel: MeshKernel,
    private readonly store: EndpointStore,
    private readonly place: Place,
    private readonly log: Log,
    services: readonly ServiceConfig[],
    private readonly found: Found,
    private readonly now: () => number = () => performance.now(),
  ) {
    for (const vip of found.vips) {
      this.#vips.set(vipName(vip), vip);
      this.#written.set(vipName(vip), vip);
    }
    const named = new Map(services.flatMap((service) => this.#vipsOf(service).map(({ vip, family }) => [vipName(vip), groupName(service.name, family)] as const)));
    const names = new Map(found.vips.flatMap((vip) => { const name = named.get(vipName(vip)); return name === undefined ? [] : [[vip.service, name] as const]; }));
    this.#numbers = new Numbers(found, (service) => names.get(service), memberId);
  }

  get groups(): readonly Group[] { return [...this.#groups.values()]; }
  get problems(): string[] {
    const names = [...new Set(this.groups.filter(({ refused }) => refused).map(({ service }) => service.name))];
    return names.length === 0 ? [] : [`the kernel does not take the endpoints of ${names.join(', ')}: new connections go where they went before, or to the virtual address; the log says why`];
  }
  groupsOf(service: string): Group[] { return families.flatMap((family) => this.#groups.get(groupName(service, family)) ?? []); }

  /**
   * The services that there are; what changed in one of them is written, what did not is left alone. `isAll` false: there may
   * be more, so that nobody knows whose an address is that an earlier agent left.
   */
  setServices(services: readonly ServiceConfig[], isAll = true): void {
    const wanted = new Map<string, Vip>();
    const kept = new Set<string>();
    for (const service of services) {
      for (const { vip, family } of this.#vipsOf(service)) {
        const name = groupName(service.name, family);
        kept.add(name);
        const group = this.#groups.get(name) ?? this.#newGroup(name, service, family);
        if (shapeOf(group.service) !== shapeOf(service)) group.stale = true;
        group.service = service;
        wanted.set(vipName(vip), { ...vip, service: group.number });
      }
    }
    const kin = new Set(this.groups.map(({ number }) => number));
    const strange = [...this.#vips].filter(([name, { service }]) => !wanted.has(name) && !isAll && !kin.has(service));
    this.#vips = new Map([...strange, ...wanted]);
    for (const [name, group] of this.#groups) if (!kept.has(name)) this.#removeGroup(name, group);
    this.#writeVips();
    this.#schedule();
  }

  touched(touched: readonly Touched[], fresh = true): void {
    for (const { service, key } of touched) {
      const entry = this.store.get(key);
      for (const group of this.groupsOf(service)) {
        const mine = entry?.record.service === service && entry.record.protocol === group.service.protocol && familyOf(entry.record.address) === group.family;
        this.#apply(group, mine ? group.tell(entry, fresh) : group.forget(key));
      }
    }
    this.#schedule();
  }

  check(group: Group, member: Member, up: boolean | undefined): void {
    this.#apply(group, { put: group.check(member, up), gone: [] });
    this.#schedule();
  }

  override(service: string, address: string, port: number, override: Override): void {
    const found = this.groupsOf(service).flatMap((group) => { const member = group.members.get(memberId(address, port)); return member ? [{ group, member }] : []; });
    if (found.length === 0) throw new SidestepError('not_found', `endpoint ${address}:${port} of service ${service}`);
    for (const { group, member } of found) this.#apply(group, { put: group.override(member, override), gone: [] });
    this.#schedule();
  }

  /** Changed live, until the configuration changes the service. */
  split(service: string, split: Readonly<Record<string, number>>): void {
    const groups = this.groupsOf(service);
    if (groups.length === 0) throw new SidestepError('not_found', `service ${service}`);
    for (const group of groups) {
      group.service = { ...group.service, split };
      group.stale = true;
    }
    this.#schedule();
  }

  /** What an earlier agent left and nobody knows: not before all sources have spoken (lb-stale-after-restart). */
  dropStrangers(): void {
    const members = new Set(this.groups.flatMap((group) => [...group.members.values()].map(({ number }) => number)));
    const services = new Set(this.groups.map(({ number }) => number));
    const old = new Set(this.found.vips.map(({ service }) => service).filter((service) => !services.has(service)));
    this.#write(() => {
      this.kernel.removeEndpoints(this.found.endpoints.map(({ number }) => number).filter((number) => !members.has(number)));
      this.kernel.removeServices([...old]);
    });
    this.#run([], new Map([...old].map((service) => [service, undefined])));
  }

  /** Counts of endpoints that have gone are dropped when their last connection has. */
  tidy(): void {
    const retired = this.#numbers.retired;
    const over = this.kernel.loads(retired).flatMap(({ active, connecting }, index) => (active + connecting <= 0 ? [retired[index] ?? 0] : []));
    this.kernel.forgetLoads(over);
    for (const number of over) this.#numbers.forget(number);
  }

  /** Resolves when everything that is known is in the kernel. */
  async settled(): Promise<void> {
    while (this.#scheduled || this.#writing.size > 0) {
      await this.#idle;
      await new Promise(setImmediate);
    }
  }

  /** The same, or when that cannot be waited for. */
  settledSoon(): Promise<void> { return Promise.race([this.settled(), sleep(soonMs, undefined, { ref: false })]); }

  #vipsOf(service: ServiceConfig): { vip: Vip; family: 4 | 6 }[] {
    const { port, protocol } = service;
    return service.addresses.map((address) => ({ vip: { address, port, protocol, service: 0 }, family: familyOf(address) }));
  }

  #newGroup(name: string, service: ServiceConfig, family: 4 | 6): Group {
    const group = new Group(service, family, this.#numbers.service(name, this.#left(service, family)), this.place, this.#numbers, this.now);
    this.#groups.set(name, group);
    this.touched([...this.store.keysOf(service.name)].map((key) => ({ service: service.name, key })), false);
    return group;
  }

  /** The number that an earlier agent gave to an address of it, where nobody has it now. */
  #left(service: ServiceConfig, family: 4 | 6): number | undefined {
    const mine = this.#vipsOf(service).filter((one) => one.family === family).map(({ vip }) => this.#vips.get(vipName(vip))?.service);
    return mine.find((number) => number !== undefined && !this.groups.some((group) => group.number === number));
  }

  #removeGroup(name: string, group: Group): void {
    this.#groups.delete(name);
    this.#numbers.forgetService(name);
    for (const member of group.members.values()) this.#numbers.retire(group.number, member.id);
    this.#leaving.add(group);
  }

  /** Addresses that lead somewhere are written; then what no address leads to any more goes. */
  #writeVips(): void {
    const tabled = new Set(this.groups.filter(({ tabled }) => tabled).map(({ number }) => number));
    const put = [...this.#vips].filter(([name, vip]) => this.#written.get(name)?.service !== vip.service && tabled.has(vip.service));
    const gone = [...this.#written].filter(([name]) => !this.#vips.has(name));
    this.#write(() => {
      this.kernel.putVips(put.map(([, vip]) => vip));
      for (const [name, vip] of put) this.#written.set(name, vip);
      this.kernel.removeVips(gone.map(([, vip]) => vip));
      for (const [name] of gone) this.#written.delete(name);
    });
    const used = new Set([...this.#written.values()].map(({ service }) => service));
    for (const group of this.#leaving) if (!used.has(group.number) && !this.#writing.has(group)) this.#drop(group);
  }

  #drop(group: Group): void {
    this.#leaving.delete(group);
    const numbers = [...group.members.values()].map(({ number }) => number);
    this.#write(() => {
      this.kernel.removeEndpoints(numbers);
      this.kernel.removeServices([group.number]);
    });
    this.#run([group], new Map([[group.number, undefined]]));
  }

  #apply(group: Group, { put, gone }: Writes): void {
    if (put.length + gone.length === 0) return;
    this.#write(() => {
      if (put.length > 0) this.kernel.putEndpoints(put);
      if (gone.length > 0) this.kernel.removeEndpoints(gone);
    });
    if (group.service.protocol === 'udp' && (gone.length > 0 || put.some(({ state }) => state === 'down'))) this.#dead = true;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const groups = this.groups.filter((group) => group.stale && !this.#writing.has(group));
    const tables = new Map<number, Table | undefined>();
    for (const group of groups) {
      const { table, put } = group.table();
      this.#write(() => { this.kernel.putEndpoints(put); });
      tables.set(group.number, table);
    }
    if (tables.size > 0) this.#run(groups, tables);
    if (this.#dead) this.#endDead();
  }

  #run(groups: readonly Group[], tables: ReadonlyMap<number, Table | undefined>): void {
    for (const group of groups) this.#writing.add(group);
    const isFirst = groups.some(({ tabled }) => !tabled);
    const run = this.kernel.swapTables(tables)
      .then(() => {
        this.swaps += tables.size;
        for (const group of groups) {
          group.tabled = true;
          group.refused = false;
        }
      }, (error: unknown) => {
        for (const group of groups) group.refused = true;
        this.#failed(error);
        this.#tryAgain();
      })
      .finally(() => {
        for (const group of groups) this.#writing.delete(group);
        if (isFirst || this.#leaving.size > 0) this.#writeVips();
        if (groups.some(({ stale }) => stale)) this.#schedule();
      });
    this.#idle = Promise.all([this.#idle, run]);
  }

  #tryAgain(): void {
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      for (const group of this.groups) group.stale ||= group.refused;
      this.#schedule();
    }, againMs).unref();
  }

  /** Nothing is tried any more. */
  stop(): void { clearTimeout(this.#again); }

  #endDead(): void {
    this.#dead = false;
    this.kernel.endDead().then(
      (ended) => { if (ended > 0) this.log.info('ended datagram sockets whose endpoint has gone', { sockets: ended }); },
      (error: unknown) => { this.log.warn('datagram sockets of endpoints that have gone could not be ended', { error }); },
    );
  }

  #write(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.failures++;
    this.log.error('the kernel did not take a change of the endpoints', { error });
  }
}

