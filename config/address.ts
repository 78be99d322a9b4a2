/** One way to write an address, so that one endpoint has one name. */
import { isIP } from 'node:net';

export function canonical(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

/** An IPv4 address in the clothes of IPv6: it belongs to the other family. */
export const isMapped = (address: string): boolean => isIP(address) === 6 && canonical(address).startsWith('::ffff:');
