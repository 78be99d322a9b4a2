/** Service edges: the kernel keeps the totals of closed ends; what is open now is added here. */
import { plus, zeroTraffic } from './traffic.js';
import type { Edge, Pair } from './types.js';

/** A pair as the addon gives it: also which ends have closed, and so are in the kernel's totals already. */
export interface NativePair extends Pair {
  clientClosed: boolean;
  serverClosed: boolean;
  /** It was redirected at some time, and counts as accelerated for good. */
  wasAccelerated: boolean;
}

const keyOf = (client: string, server: string, port: number): string => `${client}\0${server}\0${String(port)}`;

export function addLive(closed: readonly Edge[], pairs: readonly NativePair[]): Edge[] {
  const edges = new Map(closed.map((edge) => [keyOf(edge.client, edge.server, edge.port), { ...edge }]));
  for (const pair of pairs) {
    const { client, server } = pair;
    const key = keyOf(client.comm, server.comm, server.port);
    const edge = edges.get(key) ?? {
      client: client.comm, server: server.comm, port: server.port,
      clientSent: zeroTraffic(), serverSent: zeroTraffic(), connections: 0, accelerated: 0,
    };
    if (!pair.clientClosed) edge.clientSent = plus(edge.clientSent, pair.clientSent);
    if (!pair.serverClosed) edge.serverSent = plus(edge.serverSent, pair.serverSent);
    edge.connections += 1;
    edge.accelerated += pair.wasAccelerated ? 1 : 0;
    edges.set(key, edge);
  }
  return [...edges.values()];
}
