/** One object with everything that the page shows: those of the admin API, cut to a number of rows that does not grow. */
import { hostname } from 'node:os';
import { API_VERSION, type Versioned } from '../admin/objects.js';
import { statusOf, type AgentView } from '../admin/routes.js';
import { REASONS, type ReasonName } from '../datapath/reasons.js';
import { bytesOf, type Totals } from '../datapath/traffic.js';
import type { Counters, DatapathInfo, Edge, Pair } from '../datapath/types.js';
import type { ServiceView } from '../mesh/view.js';
import type { PairView } from '../pairs/resolve.js';
import type { GroupView } from '../reuseport/view.js';

/** The first rows, and how many there are beyond them. */
export interface Bounded<T> {
  rows: T[];
  more: number;
}

export interface EdgeRow extends Edge {
  /** Connections that are open now. */
  live: number;
  /** Why open connections of this edge are on TCP, the most frequent first. */
  why: { reason: ReasonName; pairs: number }[];
  /** Services whose virtual address its clients asked for. */
  services: string[];
}

export interface ReasonRow {
  name: ReasonName;
  what: string;
  remedy: string;
  connections: number;
  messages: number;
  bytes: number;
}

/** A group of listeners that share a port; of the listeners only how many there are. */
export interface GroupRow extends Omit<GroupView, 'listeners'> {
  listeners: number;
  ready: number;
}

export interface ViewObject extends Versioned {
  /** Milliseconds since the epoch. */
  at: number;
  host: string;
  version: string;
  ready: boolean;
  datapath: Pick<DatapathInfo, 'mode' | 'modeWhy' | 'enabled' | 'observe'>;
  totals: Totals;
  problems: string[];
  /** Other hosts can see this. */
  exposed: boolean;
  /** The busiest first, as with pairs. */
  edges: Bounded<EdgeRow>;
  /** Those that match; without a query all of them. */
  pairs: Bounded<PairView>;
  /** Reasons that something took TCP for since the counters began. */
  reasons: ReasonRow[];
  services: Bounded<ServiceView>;
  listeners: Bounded<GroupRow>;
}

export function bounded<T>(all: readonly T[], most: number): Bounded<T> {
  return { rows: all.slice(0, most), more: Math.max(0, all.length - most) };
}

const keyOf = (client: string, server: string, port: number): string => `${client}\0${server}\0${port}`;

/** The busiest first. What each has moved is added up once, not at every comparison: there may be tens of thousands. */
function busiest<T extends Pick<Pair, 'clientSent' | 'serverSent'>>(all: readonly T[]): T[] {
  const weighed = all.map((one) => ({ one, bytes: bytesOf(one.clientSent) + bytesOf(one.serverSent) }));
  return weighed.sort((a, b) => b.bytes - a.bytes).map(({ one }) => one);
}

/** Every word must be in what the table shows of the pair. */
export function matchesWords(pair: Pair, words: readonly string[]): boolean {
  const { id, state, reason, client, server } = pair;
  const text = [id, state, reason, ...[client, server].flatMap(({ comm, pid, address, port }) => [`${comm}/${pid}`, `${address}:${port}`])].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Each edge with what is open of it now: how many, why not accelerated, and by which services. */
function withLive(edges: readonly Edge[], pairs: readonly Pair[], services: readonly ServiceView[]): EdgeRow[] {
  const virtual = new Map(services.flatMap(({ name, addresses, port }) => addresses.map((address) => [`${address} ${port}`, name])));
  const byEdge = new Map(edges.map(({ client, server, port }): [string, Pair[]] => [keyOf(client, server, port), []]));
  for (const pair of pairs) byEdge.get(keyOf(pair.client.comm, pair.server.comm, pair.server.port))?.push(pair);
  return edges.map((edge) => {
    const open = byEdge.get(keyOf(edge.client, edge.server, edge.port)) ?? [];
    const counts = new Map<ReasonName, number>();
    for (const { state, reason } of open) if (state !== 'active') counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const why = [...counts].map(([reason, held]) => ({ reason, pairs: held })).sort((a, b) => b.pairs - a.pairs);
    const asked = new Set(open.map(({ dialledAddress, dialledPort }) => virtual.get(`${dialledAddress} ${dialledPort}`)).filter((name) => name !== undefined));
    return { ...edge, live: open.length, why, services: [...asked] };
  });
}

/** Those that anything took TCP for, since the counters began. */
const reasonRows = ({ connections, messages, bytes }: Counters): ReasonRow[] =>
  REASONS.filter(({ name }) => name !== 'redirected' && (connections[name] > 0 || messages[name] > 0))
    .map(({ name, what, remedy }) => ({ name, what, remedy, connections: connections[name], messages: messages[name], bytes: bytes[name] }))
    .sort((a, b) => b.messages - a.messages || b.connections - a.connections);

const groupRow = (group: GroupView): GroupRow =>
  ({ ...group, listeners: group.listeners.length, ready: group.listeners.filter(({ state }) => state === 'ready').length });

/** How long one reading serves all who look; and a longer one for longer, so that looking never takes more of the agent than a tenth. */
const freshMs = 500;
const timesAsLong = 10;

type Reading = Omit<ViewObject, 'pairs'> & { readonly all: readonly Pair[] };

export class Viewer {
  #reading: { readonly until: number; readonly of: Reading } | undefined;

  constructor(
    private readonly view: AgentView,
    private readonly most: number,
    private readonly exposed: () => boolean,
  ) {}

  async look(query: string): Promise<ViewObject> {
    const { all, ...rest } = this.#fresh();
    const words = query.toLowerCase().split(/\s+/).filter((word) => word !== '');
    const matching = words.length === 0 ? all : all.filter((pair) => matchesWords(pair, words));
    const { rows, more } = bounded(busiest(matching), this.most);
    // Only what is shown is looked for in /proc.
    return { ...rest, pairs: { rows: await this.view.resolver.resolve(rows), more } };
  }

  #fresh(): Reading {
    const began = performance.now();
    if (this.#reading && began < this.#reading.until) return this.#reading.of;
    const of = this.#read();
    this.#reading = { until: began + Math.max(freshMs, timesAsLong * (performance.now() - began)), of };
    return of;
  }

  #read(): Reading {
    const { datapath, mesh, reuseport, version } = this.view;
    const { ready, datapath: { mode, modeWhy, enabled, observe }, totals, problems } = statusOf(this.view);
    const all = datapath.pairs();
    const services = mesh.services();
    const edges = bounded(busiest(datapath.edges()), this.most);
    return {
      apiVersion: API_VERSION, at: Date.now(), host: hostname(), version, ready, datapath: { mode, modeWhy, enabled, observe }, totals, problems, exposed: this.exposed(),
      edges: { ...edges, rows: withLive(edges.rows, all, services) },
      reasons: reasonRows(datapath.counters()),
      services: bounded(services, this.most),
      listeners: bounded(reuseport.lastView().groups.map(groupRow), this.most),
      all,
    };
  }
}
