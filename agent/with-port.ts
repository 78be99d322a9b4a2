import { isIPv6 } from 'node:net';

/** `10.0.0.1:80`, `[::1]:80`. */
export const withPort = (address: string, port: number): string => `${isIPv6(address) ? `[${address}]` : address}:${String(port)}`;
