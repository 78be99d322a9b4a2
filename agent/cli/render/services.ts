import type { BusView, EndpointView, ServiceView } from '../../mesh/view.js';
import { withPort } from '../../with-port.js';
import { plain, type Paint } from './paint.js';
import { table, type Column, type Row } from './table.js';
import { count } from './units.js';

const serviceColumns: readonly Column[] = [
  { title: 'SERVICE', min: 8 }, { title: 'ADDRESS', min: 12 }, { title: 'POLICY', min: 8 }, { title: 'UP', align: 'right' },
  { title: 'CONNECTIONS', align: 'right' }, { title: 'REFUSED', align: 'right' }, { title: 'NOTE', min: 4 },
];

const sum = (values: object): number => Object.values(values as Record<string, number>).reduce((total, value) => total + value, 0);

function note({ desperate, draining, down, split, up, endpoints }: ServiceView): string {
  const shares = Object.entries(split).map(([version, share]) => `${version} ${share}`).join(', ');
  return [
    ...(desperate ? ['all are said to be down, and all are tried'] : []),
    ...(endpoints === 0 || (up === 0 && !desperate) ? ['connections are refused'] : []),
    ...(draining > 0 ? [`${draining} draining`] : []),
    ...(down > 0 && !desperate ? [`${down} down`] : []),
    ...(shares === '' ? [] : [`split ${shares}`]),
  ].join('; ');
}

export function renderServices(services: readonly ServiceView[], width: number, paint: Paint = plain): string[] {
  if (services.length === 0) return ['no service is configured; docs/mesh.md shows how'];
  return table(serviceColumns, services.flatMap((service): Row[] => service.addresses.map((address, index): Row => {
    const first = index === 0;
    const { name, port, protocol, policy, up, endpoints, connections, refused } = service;
    return [
      first ? name : '', `${withPort(address, port)}/${protocol}`, first ? policy : '',
      first ? { text: `${up}/${endpoints}`, colour: up === endpoints && up > 0 ? 'green' : up > 0 ? 'yellow' : 'red' } : '',
      first ? count(connections) : '', first ? count(sum(refused)) : '', first ? note(service) : '',
    ];
  })), width, paint);
}

const endpointColumns: readonly Column[] = [
  { title: 'SERVICE', min: 8 }, { title: 'ENDPOINT', min: 12 }, { title: 'STATE' }, { title: 'WEIGHT', align: 'right' }, { title: 'HOST', min: 4 },
  { title: 'ZONE', min: 4 }, { title: 'VERSION', min: 4 }, { title: 'OPEN', align: 'right' }, { title: 'TOTAL', align: 'right' },
  { title: 'FAILED', align: 'right' }, { title: 'FROM' }, { title: 'NOTE', min: 4 },
];

export function renderEndpoints(endpoints: readonly EndpointView[], width: number, paint: Paint = plain): string[] {
  if (endpoints.length === 0) return ['no endpoint is known'];
  return table(endpointColumns, endpoints.map((one): Row => [
    one.service, withPort(one.address, one.port),
    { text: one.state, colour: one.state === 'up' ? 'green' : one.state === 'down' ? 'red' : 'yellow' },
    String(one.weight), one.host || '-', one.zone || '-', one.version || '-',
    count(one.load.active + one.load.connecting), count(one.load.total), count(one.load.failures), one.origin,
    [...(one.load.ejectedMs > 0 ? [`ejected for ${Math.ceil(one.load.ejectedMs / 1000)}s`] : []), ...(one.held ? ['vanished from the bus, kept'] : [])].join('; '),
  ]), width, paint);
}

export function busLine({ choice, why, registry, endpoints }: BusView): string {
  if (choice === 'off') return `off${why === '' ? '' : ` (${why})`}`;
  if (!registry) return `${choice}, not started`;
  const detail = registry.detail === '' ? '' : `: ${registry.detail}`;
  return `${choice}, ${registry.state}${detail}, ${count(registry.hosts)} other hosts, ${count(endpoints)} endpoints, ${count(registry.published)} of this host`;
}
