/** Endpoints that the configuration names. Pure. */
import type { ServiceConfig } from '../../../config/service-types.js';
import type { EndpointRecord } from '../types.js';

export const configRecords = (services: readonly ServiceConfig[]): EndpointRecord[] =>
  services.flatMap(({ name, protocol, endpoints }) => endpoints.map(({ address, port, weight, zone, version, host }) => ({
    service: name, address, port, protocol, weight, zone, version, host, workload: '', health: 'unknown' as const, draining: false,
  })));
