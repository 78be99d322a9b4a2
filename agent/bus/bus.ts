/** Which bus there is: none, a server of our own, or those of the configuration. */
import { join } from 'node:path';
import type { Config } from '../../config/types.js';
import { SidestepError } from '../errors.js';
import type { Log } from '../log.js';
import { EmbeddedServer, findServer } from './embedded.js';
import { refuseOwnAddresses, tlsOf } from './security.js';
import { BUCKET, PROFILES_BUCKET } from './keys.js';
import type { Connect } from './types.js';

export type BusChoice = 'off' | 'embedded' | 'external';

export interface Bus {
  readonly choice: BusChoice;
  /** Why it is off, when nobody said so. */
  readonly why: string;
  readonly connect: Connect | undefined;
  /** To what hosts have learned of programs; only where there are other hosts. */
  readonly profiles: Connect | undefined;
  readonly server: EmbeddedServer | undefined;
  stop(): Promise<void>;
}

/** Records are written again long before the bucket forgets them. */
export const forgetMs = 3_600_000;

export function chooseBus({ mode, servers }: Config['bus'], find: () => string | undefined = findServer): { choice: BusChoice; why: string } {
  if (mode === 'external' && servers.length === 0) throw new SidestepError('bus_refused', 'bus.mode is external and bus.servers is empty');
  if (mode !== 'auto') return { choice: mode, why: mode === 'off' ? 'bus.mode is off' : '' };
  if (servers.length > 0) return { choice: 'external', why: '' };
  return find() === undefined ? { choice: 'off', why: 'no bus.servers, and nats-server is not installed' } : { choice: 'embedded', why: '' };
}

export async function openBus(config: Config, host: string, log: Log): Promise<Bus> {
  const { choice, why } = chooseBus(config.bus);
  if (choice === 'off') return { choice, why, connect: undefined, profiles: undefined, server: undefined, stop: () => Promise.resolve() };
  refuseOwnAddresses(config);
  const { natsConnect } = await import('./nats.js');
  const common = { cluster: config.bus.cluster, host, name: `sidestep ${config.bus.cluster}/${host}`, forgetMs };
  const endpoints = { bucket: BUCKET, about: 'endpoints and signs of life' };
  if (choice === 'external') {
    const { credentials, nkey } = config.bus;
    const there = { ...common, servers: config.bus.servers, tls: tlsOf(config.bus), credentials, nkey };
    const connect = natsConnect({ ...there, ...endpoints });
    const profiles = natsConnect({ ...there, bucket: PROFILES_BUCKET, about: 'what hosts have learned of programs' });
    return { choice, why, connect, profiles, server: undefined, stop: () => Promise.resolve() };
  }
  const file = findServer();
  if (file === undefined) throw new SidestepError('bus_server', 'nats-server is not installed');
  const dir = config.bus.stateDir === 'auto' ? join(config.stateDir, 'nats') : config.bus.stateDir;
  const server = new EmbeddedServer(file, dir, config.bus.embeddedPort, log);
  await server.start();
  const connect = natsConnect({ ...common, ...endpoints, servers: [server.url], tls: undefined, credentials: '', nkey: server.seedFile });
  return { choice, why, connect, profiles: undefined, server, stop: () => server.stop() };
}
