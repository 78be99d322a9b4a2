/** Services of the configuration and those that sources bring, as one list. The configuration wins; nothing is there twice. Pure. */
import type { ServiceConfig } from '../../config/service-types.js';
import { familyOf } from '../../config/services.js';

export interface Merged {
  readonly services: readonly ServiceConfig[];
  /** What was left out, in words. */
  readonly problems: readonly string[];
}

const vipsOf = ({ addresses, port, protocol }: ServiceConfig): string[] => addresses.map((address) => `${address} ${String(port)} ${protocol}`);
/** In the kernel each family of a service is one. */
const roomOf = ({ addresses }: ServiceConfig): number => new Set(addresses.map(familyOf)).size;

export function mergeServices(configured: readonly ServiceConfig[], brought: Iterable<readonly ServiceConfig[]>, most: number): Merged {
  const owners = new Map(configured.flatMap((service) => vipsOf(service).map((vip) => [vip, service.name] as const)));
  const services = [...configured];
  const clashes: string[] = [];
  let room = most - configured.reduce((sum, service) => sum + roomOf(service), 0), left = 0;
  for (const service of [...brought].flat()) {
    const owner = vipsOf(service).map((vip) => owners.get(vip)).find((name) => name !== undefined);
    if (owner !== undefined) clashes.push(`service ${service.name} is left out: its address belongs to ${owner}`);
    else if (roomOf(service) > room) left++;
    else {
      room -= roomOf(service);
      services.push(service);
      for (const vip of vipsOf(service)) owners.set(vip, service.name);
    }
  }
  return { services, problems: [...clashes, ...(left === 0 ? [] : [`${String(left)} services found no room; see mesh.maxServices`])] };
}
