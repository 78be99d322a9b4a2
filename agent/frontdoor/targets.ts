/** Where connections of a listener may go: pure. */
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import { memberId } from '../mesh/members.js';
import type { EndpointView } from '../mesh/view.js';
import type { Target } from './types.js';

type Endpoint = Pick<EndpointView, 'address' | 'port' | 'weight' | 'state'>;

/** Endpoints that are up; when none is, those that are said to be down, as for connections within the mesh. */
export function targetsOf({ service, backends }: FrontDoorConfig, endpointsOf: (service: string) => readonly Endpoint[]): Target[] {
  if (service === '') return [...backends];
  const endpoints = endpointsOf(service).filter(({ weight }) => weight > 0);
  const up = endpoints.filter(({ state }) => state === 'up');
  const some = up.length > 0 ? up : endpoints.filter(({ state }) => state === 'down');
  return some.map(({ address, port, weight }) => ({ address, port, weight })).sort((a, b) => (memberId(a.address, a.port) < memberId(b.address, b.port) ? -1 : 1));
}
