/** One name for each thing on the screen. */
import type { Endpoint, PairState } from '../../datapath/types.js';
import type { PodIdentity } from '../../kubernetes/types.js';
import type { Colour } from './paint.js';

/** `redis-cli/4711`. */
export const nameOf = ({ comm, pid }: Pick<Endpoint, 'comm' | 'pid'>): string =>
  pid === 0 ? comm : `${comm === '' ? '?' : comm}/${String(pid)}`;

/** With its pod in front, where it has one; the address when nobody knows the process. */
export const processName = (end: Endpoint & { readonly pod?: PodIdentity | null }): string => {
  const name = end.comm === '' && end.pid === 0 ? `${end.address}:${String(end.port)}` : nameOf(end);
  return end.pod ? `${end.pod.namespace}/${end.pod.name} ${name}` : name;
};

/** The port is what tells servers apart. */
export function serverName(server: Endpoint): string {
  const name = processName(server);
  return server.comm === '' && server.pid === 0 ? name : `${name} :${String(server.port)}`;
}

export const at = ({ address, port, family }: Pick<Endpoint, 'address' | 'port' | 'family'>): string =>
  `${family === 'ipv6' ? `[${address}]` : address}:${String(port)}`;

export const stateColour: Readonly<Record<PairState, Colour>> = {
  active: 'green',
  half: 'yellow',
  leaving: 'yellow',
  tcp: 'gray',
};
