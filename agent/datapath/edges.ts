/** Service edges: the kernel keeps the totals of closed ends; what is open now is added here. */
import { plus } from './traffic.js';
import type { Edge, PairGroup } from './types.js';

const keyOf = ({ client, server, port }: Edge): string => `${client}\0${server}\0${String(port)}`;

export function addLive(closed: readonly Edge[], open: readonly PairGroup[]): Edge[] {
  const edges = new Map(closed.map((edge) => [keyOf(edge), { ...edge }]));
  for (const group of open) {
    const { client, server, port, clientSent, serverSent, connections, accelerated } = group;
    const key = keyOf(group);
    const edge = edges.get(key);
    edges.set(key, edge
      ? { ...edge, clientSent: plus(edge.clientSent, clientSent), serverSent: plus(edge.serverSent, serverSent), connections: edge.connections + connections, accelerated: edge.accelerated + accelerated }
      : { client, server, port, clientSent, serverSent, connections, accelerated });
  }
  return [...edges.values()];
}
