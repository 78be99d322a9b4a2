import { TUNING_OPTIONS, type TuningOption } from '../../../config/tuning-types.js';
import { showDuration, showSize } from '../../../config/units.js';
import type { Explained } from '../../admin/objects.js';
import type { TunedView } from '../../mesh/tuned.js';
import type { GroupView } from '../../reuseport/view.js';
import type { Explanation } from '../../pairs/explain.js';
import type { EndpointView } from '../../pairs/resolve.js';
import { withPort } from '../../with-port.js';
import { doorLine } from './frontdoor.js';
import { at, processName } from './names.js';
import { plain, type Paint } from './paint.js';
import { clean } from './table.js';
import { age } from './units.js';

function side(role: string, view: EndpointView): string {
  const details = [view.pod && `pod ${view.pod.namespace}/${view.pod.name} of ${view.pod.workload}`, view.executable, view.cgroupPath && `cgroup ${view.cgroupPath}`, `netns ${String(view.netns)}`];
  return `  ${role}  ${clean(`${processName(view)} at ${at(view)}  ${details.filter(Boolean).join(', ')}`)}`;
}

function one({ pair, accelerated, state, reason, verdict, evidence, change }: Explanation, paint: Paint): string[] {
  return [
    `pair ${pair.id}: state ${state}, reason ${reason}, ${age(pair.ageMs)} old`,
    side('client', pair.client),
    side('server', pair.server),
    `  ${paint(accelerated ? 'green' : 'yellow', verdict)}`,
    ...evidence.map((line) => `  - ${clean(line)}`),
    ...(reason === 'redirected' ? [] : [`  What to do: ${change}.`]),
  ];
}

/** A connection that is not there cannot be explained, but the likely causes are few. */
const absent = [
  'The other end may be on another host, or in a cgroup that cgroup.path does not cover;',
  'the connection may be older than the agent, or closed. `sidestep pairs` lists what is known.',
];

/** Who shares a port is another question than who is accelerated, and often the one that was meant. */
function shared(group: GroupView): string {
  const { port, protocol, balanced, policy, because, listeners } = group;
  const states = [...new Set(listeners.map(({ state }) => state))].map((state) => `${listeners.filter((one) => one.state === state).length} ${state}`);
  return `port ${port}/${protocol} is shared by ${listeners.length} listeners: ` +
    (balanced ? `balanced by ${policy}, ${states.join(', ')}` : `left to the kernel, as ${because}`);
}

const shown: Partial<Record<TuningOption, (value: number) => string>> = {
  sendBuffer: showSize, receiveBuffer: showSize, notSentLowWater: showSize, pacing: (bytes) => `${showSize(bytes)}/s`,
  keepaliveIdle: showDuration, keepaliveInterval: showDuration, userTimeout: showDuration,
  noDelay: (on) => (on === 0 ? 'off' : 'on'), ecn: (on) => (on === 0 ? 'not agreed' : 'agreed'),
};

/** What a rule set, and what the kernel says that it is now: a program may have changed it. */
function tuned({ rule, localAddress, localPort, remoteAddress, remotePort, pid, comm, given, refused, now }: TunedView): string[] {
  const value = (option: TuningOption): string => {
    const has = now[option];
    return has === undefined ? option : `${option} ${typeof has === 'number' ? (shown[option] ?? String)(has) : has}`;
  };
  const name = pid === 0 ? 'a connection' : `${comm}/${pid}`;
  return [
    clean(`${name} at ${withPort(localAddress, localPort)} to ${withPort(remoteAddress, remotePort)}: TCP settings by ${rule === null ? 'a rule that is no longer there' : `tuning[${rule}]`}`),
    ...(given.length === 0 ? [] : [`  set: ${TUNING_OPTIONS.filter((option) => given.includes(option)).map(value).join(', ')}`]),
    ...(refused.length === 0 ? [] : [`  refused by the kernel: ${TUNING_OPTIONS.filter((option) => refused.includes(option)).map(value).join(', ')}; \`sidestep status\` says why`]),
  ];
}

export function renderExplained({ query, answers, groups, tuned: connections, doors }: Explained, paint: Paint = plain): string[] {
  return [...explained(query, answers, paint), ...groups.map(shared), ...connections.flatMap(tuned), ...doors.map(doorLine)];
}

function explained(query: string, answers: readonly Explanation[], paint: Paint): string[] {
  if (answers.length === 0) return [`no local connection matches ${query}`, ...absent.map((line) => `  ${line}`)];
  return answers.flatMap((answer, index) => (index === 0 ? one(answer, paint) : ['', ...one(answer, paint)]));
}
