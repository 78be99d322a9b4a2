/** A record that a test only says the odd part of. */
import type { ServiceConfig } from '../../../config/service-types.js';
import { readServices } from '../../../config/services.js';
import type { EndpointRecord } from '../../../agent/endpoints/types.js';

export const recordOf = (over: Partial<EndpointRecord> = {}): EndpointRecord => ({
  service: 'web', address: '10.0.0.1', port: 8080, protocol: 'tcp', weight: 100, zone: '', version: '', host: 'h', workload: '', health: 'unknown',
  draining: false, ...over,
});

export function serviceOf(over: object = {}): ServiceConfig {
  const { services, findings } = readServices([{ name: 'web', addresses: ['10.96.0.1'], port: 80, ...over }]);
  if (findings.length > 0) throw new Error(JSON.stringify(findings));
  return services[0]!;
}
