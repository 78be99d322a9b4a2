/**
 * Keys of the bucket: `<cluster>.<host>.<service>.<endpoint>`, and `<cluster>.<host>.alive` for a host's sign of life. The
 * host stands early, so that a server can confine each host to its own keys.
 */

export const BUCKET = 'sidestep_endpoints';
/** What hosts have learned of programs, under `<cluster>.<host>.<profile>`. */
export const PROFILES_BUCKET = 'sidestep_profiles';
export const ALIVE = 'alive';

const token = /^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/;

/** Address and port as one token: no dots, no colons. `10.0.0.7:80` is `10-0-0-7_80`, IPv6 is written out with `-`. */
export const endpointToken = (address: string, port: number): string => `${address.replace(/[.:]/g, '-')}_${port}`;

export const recordKey = (cluster: string, host: string, service: string, address: string, port: number): string =>
  `${cluster}.${host}.${service}.${endpointToken(address, port)}`;
export const aliveKey = (cluster: string, host: string): string => `${cluster}.${host}.${ALIVE}`;

export type ParsedKey =
  | { readonly kind: 'record'; readonly host: string; readonly service: string; readonly endpoint: string }
  | { readonly kind: 'alive'; readonly host: string };

/** Undefined: nothing of this cluster, or nothing that an agent would write. */
export function parseKey(cluster: string, key: string): ParsedKey | undefined {
  const [of, host = '', service = '', endpoint, ...more] = key.split('.');
  if (of !== cluster || more.length > 0 || !token.test(host) || !token.test(service)) return undefined;
  if (endpoint === undefined) return service === ALIVE ? { kind: 'alive', host } : undefined;
  return /^[0-9a-f-]{3,39}_\d{1,5}$/.test(endpoint) ? { kind: 'record', host, service, endpoint } : undefined;
}
