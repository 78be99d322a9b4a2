/** The kernel side in memory, for tests: sockets are set from outside, what was told is kept in `calls`. */
import type {
  Deed, GroupSetup, GroupTotals, Holder, ListenerSetup, Migration, ReuseportHost, Seat, Chooser, ChooserInfo, Sharer, SocketRef, Tables,
} from './types.js';

export const fakeSharer = (over: Partial<Sharer> = {}): Sharer => ({
  cookie: '1', inode: '901', cgroup: '1', netns: 4026531840, family: 'ipv4', protocol: 'tcp', address: '0.0.0.0', port: 8080,
  uid: 0, group: 7, socks: 1, depth: 0, room: 128, waitedMs: 0, ...over,
});

export class FakeChooser implements Chooser {
  readonly calls: string[] = [];
  sharers: Sharer[] = [];
  state: ChooserInfo = { programId: 40, tag: 'aaaa', tookOver: false, oldPrograms: [] };
  seats = new Map<number, Seat>();
  groups = new Map<number, GroupTotals & { setup: GroupSetup }>();
  /** Cookies whose process is not there any more. */
  gone = new Set<string>();
  /** Thrown by enlist, by cookie. */
  refused = new Map<string, Error>();
  changed: () => void = () => undefined;

  info(): ChooserInfo { return this.state; }
  walk(): Promise<Sharer[]> { return Promise.resolve(this.sharers.map((sharer) => ({ ...sharer }))); }

  attach({ cookie }: SocketRef): Deed { return this.#hold('attach', cookie, { id: this.state.programId, name: 'sidestep_reuse', classic: false }); }
  detach({ cookie }: SocketRef): Deed { return this.#hold('detach', cookie, undefined); }

  enlist(slot: number, { group, generation, fresh }: ListenerSetup & { fresh: boolean }, { cookie }: SocketRef): Deed {
    const refusal = this.refused.get(cookie);
    if (refusal) throw refusal;
    if (this.gone.has(cookie)) return 'gone';
    this.calls.push(`enlist ${slot} ${cookie}${fresh ? ' fresh' : ''}`);
    const skipped = { busy: 0, draining: 0, new: 0, stuck: 0, full: 0, gone: 0 };
    this.seats.set(slot, { slot, cookie, group, generation, ageMs: fresh ? 0 : -1, selected: 0, migrated: 0, headMs: 0, workedMs: 0, skipped });
    return 'done';
  }

  amend(slot: number, { generation, weight }: ListenerSetup): void {
    this.calls.push(`amend ${slot} weight ${weight}`);
    const seat = this.seats.get(slot);
    if (seat) seat.generation = generation;
  }

  release(slot: number): void {
    this.calls.push(`release ${slot}`);
    this.seats.delete(slot);
  }

  writeGroup(id: number, setup: GroupSetup): void {
    this.calls.push(`group ${id} [${setup.slots.join(' ')}] ${setup.policy}`);
    this.groups.set(id, { id, index: setup.index, generation: setup.generation, fallbacks: { no_listener: 0, refused: 0 }, setup });
  }

  removeGroup(id: number): void {
    this.calls.push(`forget ${id}`);
    this.groups.delete(id);
  }

  tables(): Tables { return { listeners: [...this.seats.values()], groups: [...this.groups.values()], unknown: 0 }; }
  onChange(listener: () => void): void { this.changed = listener; }
  close(): void { this.calls.push('close'); }

  #hold(what: string, cookie: string, program: Sharer['program']): Deed {
    if (this.gone.has(cookie)) return 'gone';
    const group = this.sharers.find((sharer) => sharer.cookie === cookie)?.group ?? -1;
    this.calls.push(`${what} ${group}`);
    for (const sharer of this.sharers) {
      if (sharer.group !== group) continue;
      if (program) sharer.program = program;
      else delete sharer.program;
    }
    return 'done';
  }
}

export class FakeReuseportHost implements ReuseportHost {
  readonly chooser = new FakeChooser();
  readonly opened: string[] = [];
  left = false;
  migration: Migration = { migrates: 'yes', wakes: 'yes', detail: '' };
  sysctl = new Map<number, boolean>();

  open({ pinPath }: { pinPath: string }): Chooser {
    this.opened.push(pinPath);
    return this.chooser;
  }
  leftovers(): boolean { return this.left; }
  holders(inodes: readonly string[]): Promise<Holder[]> {
    return Promise.resolve(inodes.map((inode) => ({ inode, pid: 1, fd: Number(inode) })));
  }
  migrateSysctl(namespaces: readonly number[], value?: boolean): Promise<{ netns: number; on: boolean }[]> {
    if (value !== undefined) for (const netns of namespaces) this.sysctl.set(netns, value);
    return Promise.resolve(namespaces.map((netns) => ({ netns, on: this.sysctl.get(netns) ?? false })));
  }
  probeMigration(): Promise<Migration> { return Promise.resolve(this.migration); }
}
