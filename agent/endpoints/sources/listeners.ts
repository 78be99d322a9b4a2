/**
 * Listeners of this host that a service has opted in, by port and, if it says so, by program. They are looked for in the
 * tables of the agent's own network namespace; a second is soon enough, because an endpoint that has just come is
 * in no hurry, and one that has gone refuses connections and is ejected by itself.
 */
import { readFileSync } from 'node:fs';
import type { ServiceConfig, Protocol } from '../../../config/service-types.js';
import { familyOf } from '../../../config/services.js';
import { findHolders } from '../../pairs/proc.js';
import { canonical } from '../../../config/address.js';
import type { EndpointRecord } from '../types.js';
import type { Report, Source } from './types.js';

export interface Listener {
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly inode: string;
}

/** `0100007F` and `00000000000000000000000001000000`: words of the host's byte order, which is little-endian here. */
export function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse()).map((byte) => Number.parseInt(byte, 16));
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16));
  return canonical(groups.join(':'));
}

const listening = '0A';
/** Of a datagram socket: not connected. */
const unconnected = '07';

/** The lines of /proc/net/tcp, tcp6, udp or udp6 that listen. */
export function parseListeners(text: string, protocol: Protocol): Listener[] {
  return text.split('\n').slice(1).flatMap((line) => {
    const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local.split(':');
    const isOpen = protocol === 'tcp' ? state === listening : state === unconnected && /^0+:0000$/.test(remote);
    return isOpen ? [{ address: addressOf(address), port: Number.parseInt(port, 16), protocol, inode }] : [];
  });
}

const wildcards = new Set(['0.0.0.0', '::']);
export const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

/** Where a listener can be reached over an address of this family; undefined: nowhere. A wildcard of IPv6 takes IPv4 too. */
function reach(listener: Listener, family: 4 | 6, host: { 4: string; 6: string }): string | undefined {
  if (!wildcards.has(listener.address)) return familyOf(listener.address) === family ? listener.address : undefined;
  if (listener.address === '0.0.0.0' && family === 6) return undefined;
  return host[family] === '' ? (family === 4 ? '127.0.0.1' : '::1') : host[family];
}

export interface HostPlace {
  readonly name: string;
  readonly zone: string;
  /** Addresses of this host; '' for none. */
  readonly addresses: { readonly 4: string; readonly 6: string };
}

/** Pure: which of these listeners are endpoints of which services. `programOf` knows a socket by its inode number. */
export function localRecords(
  services: readonly ServiceConfig[], listeners: readonly Listener[], host: HostPlace, programOf: (inode: string) => string,
): EndpointRecord[] {
  const records = new Map<string, EndpointRecord>();
  for (const { name, addresses, protocol, local } of services) {
    const families = new Set(addresses.map(familyOf));
    for (const listener of listeners) {
      if (local.port === 0 || listener.port !== local.port || listener.protocol !== protocol) continue;
      const workload = programOf(listener.inode);
      if (local.program !== '' && workload !== local.program) continue;
      for (const family of families) {
        const address = reach(listener, family, host.addresses);
        if (address === undefined) continue;
        records.set(`${name} ${address} ${local.port}`, {
          service: name, address, port: local.port, protocol, weight: local.weight, zone: host.zone, version: local.version,
          host: host.name, workload, health: 'unknown', draining: false,
        });
      }
    }
  }
  return [...records.values()];
}

const everyMs = 1000;
const searchMs = 200;

export class ListenerSource implements Source {
  readonly name = 'listeners';
  readonly origin = 'local';
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #last = '';
  /** By inode number: who holds a socket does not change often enough to look each time. */
  #programs = new Map<string, string>();

  constructor(
    private readonly services: () => readonly ServiceConfig[],
    private readonly host: HostPlace,
    private readonly proc = '/proc',
  ) {}

  start(report: Report): void {
    void this.#look(report);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #look(report: Report): Promise<void> {
    const wanted = this.services().filter(({ local }) => local.port !== 0);
    const records = wanted.length === 0 ? [] : await this.#find(wanted);
    const now = JSON.stringify(records);
    if (now !== this.#last && !this.#stopped) {
      this.#last = now;
      report(new Map([['all', records]]));
    }
    if (!this.#stopped) this.#timer = setTimeout(() => { void this.#look(report); }, everyMs).unref();
  }

  async #find(services: readonly ServiceConfig[]): Promise<EndpointRecord[]> {
    const ports = new Set(services.map(({ local }) => local.port));
    const listeners = this.#listeners().filter(({ port }) => ports.has(port));
    await this.#name(listeners);
    return localRecords(services, listeners, this.host, (inode) => this.#programs.get(inode) ?? '');
  }

  #listeners(): Listener[] {
    return (['tcp', 'tcp6', 'udp', 'udp6'] as const).flatMap((table) => {
      try {
        return parseListeners(readFileSync(`${this.proc}/self/net/${table}`, 'utf8'), table.startsWith('tcp') ? 'tcp' : 'udp');
      } catch {
        return []; // no IPv6 here
      }
    });
  }

  async #name(listeners: readonly Listener[]): Promise<void> {
    const known = new Map(listeners.flatMap(({ inode }) => { const name = this.#programs.get(inode); return name === undefined ? [] : [[inode, name] as const]; }));
    const unknown = new Set(listeners.map(({ inode }) => inode).filter((inode) => !known.has(inode)));
    if (unknown.size > 0) for (const [inode, { comm }] of await findHolders(unknown, this.proc, searchMs)) known.set(inode, comm);
    this.#programs = known;
  }
}
