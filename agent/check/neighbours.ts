/** Programs known to put sockets into maps of their own, by the names of their processes: anybody can see these. */
import type { Host } from './host.js';
import { warn, type Check } from './types.js';

const known: Readonly<Record<string, string>> = {
  'cilium-agent': 'Cilium; with its socket acceleration (sockops) it holds sockets that Sidestep then leaves on TCP, reason busy',
  'kmesh-daemon': 'Kmesh; it attaches to sock_ops and sk_msg, and sockets that it holds stay on TCP, reason busy',
  mbctl: 'Merbridge; it redirects messages between sockets itself, and sockets that it holds stay on TCP, reason busy',
};

export function ownersByProcess(host: Host): Check[] {
  const pids = host.list('/proc').filter((name) => /^\d+$/.test(name));
  const names = new Set(pids.map((pid) => host.read(`/proc/${pid}/comm`) ?? ''));
  return Object.entries(known).filter(([name]) => names.has(name)).map(([name, what]) =>
    ({ group: 'hooks', name, ...warn(what, 'Switch that feature off there, or leave its connections out with scope.exclude.') }));
}
