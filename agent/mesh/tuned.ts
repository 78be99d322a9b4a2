/** Connections that a rule of `tuning` fitted, as `explain` shows them: with who holds them. */
import { findHolders } from '../pairs/proc.js';
import type { Query } from '../pairs/query.js';
import type { Tuning } from './tuning.js';
import type { TunedSocket } from './types.js';

export interface TunedView extends Omit<TunedSocket, 'rule'> {
  /** Its place in the list of the configuration; null: of an earlier one. */
  readonly rule: number | null;
  /** 0: not found. */
  readonly pid: number;
  readonly comm: string;
}

const searchMs = 200;

export async function tunedViews(sockets: readonly TunedSocket[], tuning: Tuning, proc = '/proc'): Promise<TunedView[]> {
  const holders = await findHolders(new Set(sockets.map(({ inode }) => inode).filter((inode) => inode !== '0')), proc, searchMs);
  return sockets.map((socket) => {
    const { pid, comm } = holders.get(socket.inode) ?? { pid: 0, comm: '' };
    return { ...socket, rule: tuning.indexOf(socket) ?? null, pid, comm };
  });
}

export function tunedMatches(query: Query, { localAddress, localPort, remoteAddress, remotePort, pid }: TunedView): boolean {
  if (query.kind === 'id' || query.kind === 'pod') return false;
  if (query.kind === 'number') return [pid, localPort, remotePort].includes(query.value);
  const ends = [`${localAddress} ${localPort}`, `${remoteAddress} ${remotePort}`];
  return query.ends.every(({ address, port }) => ends.includes(`${address} ${port}`));
}
