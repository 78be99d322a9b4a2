/** A datapath in memory, for tests: what it reports is set from outside, what it is told is kept in `calls`. */
import type {
  ConnectionEvent, Counters, Datapath, DatapathInfo, Edge, Endpoint, ExecutableFile, HostProcess, LearningWindow, MapInfo, Pair, PairGroup, Placement,
  Profile, Repute, RetireOptions, RetireResult, ScopeRule, WorkloadRepute,
} from './types.js';
import { zeroByReason, zeroTraffic } from './traffic.js';

export const fakeEndpoint = (over: Partial<Endpoint> = {}): Endpoint => ({
  address: '127.0.0.1', port: 40000, family: 'ipv4', pid: 100, comm: 'client', uid: 0, cgroup: '1',
  netns: 4026531840, inode: '5001', trusted: false, lenient: false, ...over,
});

export const fakePair = (over: Partial<Pair> = {}): Pair => ({
  id: '00000001deadbeef', state: 'active', reason: 'redirected', client: fakeEndpoint(),
  server: fakeEndpoint({ port: 8080, pid: 200, comm: 'server', inode: '5002' }),
  clientSent: zeroTraffic(), serverSent: zeroTraffic(), lastPass: 'redirected', clientQueued: 0, serverQueued: 0,
  ageMs: 1000, dialledAddress: '127.0.0.1', dialledPort: 8080, selector: -1, clientRead: null, serverRead: null, ...over,
});

export const fakeCounters = (over: Partial<Counters> = {}): Counters => ({
  messages: zeroByReason(), bytes: zeroByReason(), connections: zeroByReason(), tcpInMessages: 0, tcpInBytes: 0, tcpRepeatedBytes: 0,
  eventsLost: 0, resets: 0, closedUnread: 0, streamsLeft: 0, streamsBack: 0, queueWaits: null, ...over,
});

export class FakeDatapath implements Datapath {
  readonly calls: string[] = [];
  state: DatapathInfo = {
    mode: 'unified', modeWhy: '', enabled: true, observe: false, queueBytes: 262144, cgroupPath: '/sys/fs/cgroup',
    pinPath: '/sys/fs/bpf/sidestep', layoutVersion: 1, tookOver: false,
    programs: [{ name: 'sidestep_msg', id: 7, tag: '0123456789abcdef', type: 'sk_msg', attachedTo: 'sidestep_ends' }],
  };
  counts: Counters = fakeCounters();
  live: Pair[] = [];
  totals: Edge[] = [];
  profileList: Profile[] = [];
  rules: readonly ScopeRule[] = [];
  processList: HostProcess[] = [];
  /** What was seeded, by workload, and what is known of programs, by `<inode> <name>`. */
  readonly seeds = new Map<string, WorkloadRepute>();
  readonly reputes = new Map<string, Repute>();
  mapList: MapInfo[] = [{ name: 'pairs', id: 3, entries: 0, capacity: 65536 }];
  /** What is left when pairs are retired; undefined: everything leaves. */
  stuck: Pair[] | undefined;
  /** Thrown by every read. */
  broken: Error | undefined;
  #workloadListeners: ((workload: string) => Promise<void>)[] = [];
  #listeners: ((events: ConnectionEvent[]) => void)[] = [];

  info(): DatapathInfo { return { ...this.state }; }
  counters(): Counters { return this.#read(this.counts); }
  pairs(most = Infinity): Pair[] { return this.#read(this.live).slice(0, most); }
  groups(): PairGroup[] {
    return this.#read(this.live).map(({ state, selector, client, server, clientSent, serverSent }) => ({
      state, selector, client: client.comm, server: server.comm, port: server.port, clientCgroup: client.cgroup, serverCgroup: server.cgroup,
      connections: 1, accelerated: state === 'active' ? 1 : 0, clientSent, serverSent,
    }));
  }
  edges(): Edge[] { return this.#read(this.totals); }
  profiles(): Profile[] { return this.#read(this.profileList); }
  processes(pid?: number): HostProcess[] { return this.processList.filter((one) => pid === undefined || one.pid === pid); }
  maps(): MapInfo[] { return this.#read(this.mapList); }

  seed({ id }: HostProcess, repute: WorkloadRepute): void { this.seeds.set(id, repute); }
  forget(workload: string): void {
    this.calls.push(`forget ${workload}`);
    this.seeds.delete(workload);
    this.profileList = this.profileList.filter(({ id }) => id !== workload);
  }
  setRepute({ exeInode, comm }: ExecutableFile & { comm: string }, repute: Repute | undefined): void {
    if (repute) this.reputes.set(`${exeInode} ${comm}`, repute);
    else this.reputes.delete(`${exeInode} ${comm}`);
  }
  setWindow({ time, connections, bytes }: LearningWindow): void { this.#tell(`window ${time} ${connections} ${bytes}`, {}); }
  setPlacement({ enabled, messages, rate, messageBytes, stay, brief, follow, refresh }: Placement): void {
    this.#tell(`placement ${String(enabled)} ${messages} ${rate} ${messageBytes} ${stay} ${brief} ${follow} ${refresh}`, {});
  }
  onWorkload(listener: (workload: string) => Promise<void>): void { this.#workloadListeners.push(listener); }
  async appear(workload: string): Promise<void> { for (const listener of this.#workloadListeners) await listener(workload); }

  setEnabled(on: boolean): void { this.#tell(`enabled ${String(on)}`, { enabled: on }); }
  applyScope(rules: readonly ScopeRule[]): void { this.rules = rules; this.calls.push(`scope ${rules.map(({ effect }) => effect).join(' ')}`.trimEnd()); }
  setObserve(on: boolean): void { this.#tell(`observe ${String(on)}`, { observe: on }); }
  setQueueBytes(bytes: number): void { this.#tell(`queueBytes ${String(bytes)}`, { queueBytes: bytes }); }

  setTellAll(on: boolean): void { this.calls.push(`tellAll ${String(on)}`); }
  onEvents(listener: (events: ConnectionEvent[]) => void): void { this.#listeners.push(listener); }
  emit(events: ConnectionEvent[]): void { for (const listener of this.#listeners) listener(events); }

  async retire({ id, timeoutMs, onProgress }: RetireOptions): Promise<RetireResult> {
    this.calls.push(`retire ${id ?? 'all'} ${String(timeoutMs)}`);
    const stuck = this.stuck ?? [];
    const goes = (pair: Pair): boolean => (id === undefined || pair.id === id) && !stuck.includes(pair);
    const removed = 2 * this.live.filter(goes).length;
    onProgress?.({ removed: 0, unread: 2 * stuck.length, sending: 0 });
    await new Promise(setImmediate);
    this.live = this.live.filter((pair) => !goes(pair)).map((pair) => (stuck.includes(pair) ? { ...pair, state: 'leaving' } : pair));
    if (id === undefined) this.state.enabled = false;
    return { removed, unread: 2 * stuck.length, sending: 0, left: 2 * stuck.length, done: stuck.length === 0 };
  }

  uninstall(): void { this.calls.push('uninstall'); }
  close(): void { this.calls.push('close'); }

  #read<T>(value: T): T {
    if (this.broken) throw this.broken;
    return value;
  }

  #tell(call: string, change: Partial<DatapathInfo>): void {
    this.calls.push(call);
    Object.assign(this.state, change);
  }
}
