/** What a person types to name connections: a pair id, a pid, a port, a pod, an address, or two addresses. */
import { isIP } from 'node:net';
import type { Endpoint, Pair } from '../datapath/types.js';
import type { PodIdentity } from '../kubernetes/types.js';

export interface Address {
  readonly address: string;
  readonly port: number;
}

export type Query =
  | { readonly kind: 'id'; readonly id: string }
  /** A number may be a pid or a port; whoever matches is meant. */
  | { readonly kind: 'number'; readonly value: number }
  /** `namespace` '': in any. */
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'address'; readonly ends: readonly [Address] | readonly [Address, Address] };

function parseAddress(text: string): Address | undefined {
  const match = /^\[?([^[\]]+?)\]?:(\d{1,5})$/.exec(text);
  const [, host = '', port = ''] = match ?? [];
  const address = host === 'localhost' ? '127.0.0.1' : host.toLowerCase();
  return isIP(address) !== 0 && Number(port) <= 65535 ? { address, port: Number(port) } : undefined;
}

/** Undefined when the text names nothing. */
export function parseQuery(text: string): Query | undefined {
  const parts = text.trim().split(/\s*(?:->|,|\s)\s*/);
  const [first = '', second] = parts;
  if (parts.length > 2) return undefined;
  if (second === undefined) {
    const [, namespace = '', name] = /^pod\/(?:([a-z0-9.-]+)\/)?([a-z0-9.-]+)$/.exec(first) ?? [];
    if (name !== undefined) return { kind: 'pod', namespace, name };
    if (/^[0-9a-f]{16}$/i.test(first)) return { kind: 'id', id: first.toLowerCase() };
    if (/^\d{1,10}$/.test(first)) return { kind: 'number', value: Number(first) };
  }
  const a = parseAddress(first);
  if (!a) return undefined;
  if (second === undefined) return { kind: 'address', ends: [a] };
  const b = parseAddress(second);
  return b && { kind: 'address', ends: [a, b] };
}

const isAt = (end: Endpoint, { address, port }: Address): boolean => end.port === port && end.address === address;

/** An end with, where it is one of a pod, its name. */
type End = Endpoint & { readonly pod?: PodIdentity | null };

export function matches(query: Query, { id, client, server }: Pick<Pair, 'id'> & { client: End; server: End }): boolean {
  if (query.kind === 'pod')
    return [client, server].some(({ pod }) => pod?.name === query.name && (query.namespace === '' || pod.namespace === query.namespace));
  if (query.kind === 'id') return id === query.id;
  if (query.kind === 'number')
    return [client, server].some(({ pid, port }) => pid === query.value || port === query.value);
  const [a, b] = query.ends;
  if (b === undefined) return isAt(client, a) || isAt(server, a);
  return (isAt(client, a) && isAt(server, b)) || (isAt(client, b) && isAt(server, a));
}
