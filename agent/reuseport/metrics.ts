/** Groups and listeners, as samples of the table of metrics. */
import type { Emit } from '../metrics/reading.js';
import { WHYS, type Why } from './groups.js';
import { FALLBACKS, SKIPS } from './types.js';
import type { GroupView, ListenerState, ReuseportView } from './view.js';

const states: readonly ListenerState[] = ['ready', 'busy', 'draining', 'new', 'stuck', 'full', 'unlisted'];

function emitGroup(emit: Emit, { protocol, port: number, fallbacks, listeners }: GroupView): void {
  const port = String(number);
  for (const reason of FALLBACKS) emit('sidestep_reuseport_fallbacks_total', { port, protocol, reason }, fallbacks[reason]);
  for (const state of states)
    emit('sidestep_reuseport_listeners', { port, protocol, state }, listeners.filter((listener) => listener.state === state).length);
  for (const { cookie, comm, selected, migrated, skipped, depth, waitedMs } of listeners) {
    const labels = { port, protocol, workload: comm, listener: cookie };
    emit('sidestep_reuseport_selections_total', labels, selected);
    emit('sidestep_reuseport_migrations_total', labels, migrated);
    for (const reason of SKIPS) emit('sidestep_reuseport_skips_total', { ...labels, reason }, skipped[reason]);
    emit('sidestep_reuseport_queue_depth', labels, depth);
    emit('sidestep_reuseport_queue_wait_seconds', labels, waitedMs / 1000);
  }
}

/** Only balanced groups have listeners here: the number of series follows what was chosen. */
export function readReuseport({ enabled, groups }: ReuseportView, emit: Emit): void {
  if (!enabled) return;
  for (const why of Object.keys(WHYS) as Why[]) emit('sidestep_reuseport_groups', { why }, groups.filter((group) => group.why === why).length);
  for (const group of groups) if (group.balanced) emitGroup(emit, group);
}
