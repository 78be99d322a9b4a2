/** A listener of the front door as the configuration has it. */
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';

export const doorConfig = (over: Partial<FrontDoorConfig> = {}): FrontDoorConfig => ({
  name: 'web', address: '127.0.0.1', port: 1, service: '', backends: [], path: 'copy', maxConnections: 10_000, allow: [], deny: [], acceptProxy: false, sendProxy: 'off',
  connectTimeout: 2000, idleTimeout: 60_000, drainTimeout: 1000,
  requests: 'off', lengthAt: 0, lengthBytes: 4, lengthOrder: 'big', lengthCounts: 'rest', ...over,
});
