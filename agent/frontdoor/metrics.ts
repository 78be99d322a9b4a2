/** The front door, as samples of the table of metrics. */
import type { Emit } from '../metrics/reading.js';
import { LEFT_NAMES } from './direct-types.js';
import { ANSWERS, OUTCOME_NAMES, WAIT_BOUNDS, type RequestCounts } from './types.js';
import type { DoorState, FrontDoorView } from './view.js';

const states: readonly DoorState[] = ['open', 'draining', 'failed', 'shut'];

function emitRequests(emit: Emit, listener: string, { answers, waits, waited, unreadable }: RequestCounts): void {
  for (const answer of ANSWERS) emit('sidestep_frontdoor_requests_total', { listener, answer }, answers[answer]);
  emit('sidestep_frontdoor_request_seconds', { listener }, { bounds: WAIT_BOUNDS, buckets: waits, sum: waited });
  emit('sidestep_frontdoor_unreadable_connections_total', { listener }, unreadable);
}

export function readFrontDoor({ listeners, totals, restarts }: FrontDoorView, emit: Emit): void {
  emit('sidestep_frontdoor_restarts_total', {}, restarts);
  for (const { name: listener, state, active, backends, direct } of listeners) {
    for (const one of states) emit('sidestep_frontdoor_listeners', { listener, state: one }, one === state ? 1 : 0);
    if (direct) {
      emit('sidestep_frontdoor_direct_calls_total', { listener, result: 'given' }, direct.given);
      for (const name of LEFT_NAMES) emit('sidestep_frontdoor_direct_calls_total', { listener, result: name }, direct.left[name]);
    }
    emit('sidestep_frontdoor_active_connections', { listener }, active);
    emit('sidestep_frontdoor_backends', { listener, state: 'answering' }, backends.filter(({ failuresInRow }) => failuresInRow === 0).length);
    emit('sidestep_frontdoor_backends', { listener, state: 'failing' }, backends.filter(({ failuresInRow }) => failuresInRow > 0).length);
  }
  for (const { name: listener, bytesIn, bytesOut, outcomes, requests } of totals) {
    for (const outcome of OUTCOME_NAMES) emit('sidestep_frontdoor_connections_total', { listener, outcome }, outcomes[outcome]);
    emit('sidestep_frontdoor_bytes_total', { listener, direction: 'in' }, bytesIn);
    emit('sidestep_frontdoor_bytes_total', { listener, direction: 'out' }, bytesOut);
    if (listeners.some(({ name, requests: protocol }) => name === listener && protocol !== 'off')) emitRequests(emit, listener, requests);
  }
}
