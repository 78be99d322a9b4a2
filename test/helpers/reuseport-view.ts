/** Groups of listeners as the agent tells them, made up. */
import type { GroupView, ListenerView, ReuseportView } from '../../agent/reuseport/view.js';

export const fakeListener = (over: Partial<ListenerView> = {}): ListenerView => ({
  cookie: '11', pid: 501, comm: 'worker', executable: '/usr/bin/worker', cgroupPath: '/web', state: 'ready', generation: 0, weight: 1,
  selected: 40, migrated: 2, skipped: { busy: 0, draining: 0, new: 0, stuck: 0, full: 0, gone: 0 }, depth: 0, room: 511, waitedMs: 0, ...over,
});

export const fakeGroup = (over: Partial<GroupView> = {}): GroupView => ({
  protocol: 'tcp', family: 'ipv4', address: '0.0.0.0', port: 8080, netns: 4026531840, balanced: true, why: 'balanced', because: 'it is',
  program: { id: 40, name: 'sidestep_reuse' }, policy: 'least-queue', generation: 0, fallbacks: { no_listener: 0, refused: 0 },
  listeners: [fakeListener(), fakeListener({ cookie: '12', pid: 502 })], ...over,
});

export const fakeReuseportView = (over: Partial<ReuseportView> = {}): ReuseportView => ({
  enabled: true, failure: '', chooser: { programId: 40, tag: 'aaaa', tookOver: false },
  migration: { migrates: 'yes', wakes: 'yes', detail: '' }, sysctl: [], groups: [fakeGroup()], ...over,
});
