/** What an earlier agent left in the kernel, as records of the services that there are now. Pure. */
import type { ServiceConfig } from '../../config/service-types.js';
import type { EndpointRecord } from '../endpoints/types.js';
import type { Found } from './types.js';

export function inherited(found: Found, services: readonly ServiceConfig[]): { key: string; record: EndpointRecord }[] {
  const names = new Map(found.vips.flatMap((vip) => {
    const service = services.find(({ addresses, port, protocol }) => addresses.includes(vip.address) && port === vip.port && protocol === vip.protocol);
    return service ? [[vip.service, service] as const] : [];
  }));
  return found.endpoints.flatMap(({ number, service, address, port, weight }) => {
    const named = names.get(service);
    if (!named) return [];
    const record: EndpointRecord = {
      service: named.name, address, port, protocol: named.protocol, weight, zone: '', version: '', host: '', workload: '', health: 'unknown', draining: false,
    };
    return [{ key: `before/${number}`, record }];
  });
}
