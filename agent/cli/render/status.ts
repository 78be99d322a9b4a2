import type { Status } from '../../admin/objects.js';
import { plain, type Paint } from './paint.js';
import { processWords } from './frontdoor.js';
import { kubernetesLine } from './kubernetes.js';
import { busLine } from './services.js';
import { bytes, count, percent } from './units.js';

const share = (part: number, rest: number): string => percent(part + rest === 0 ? undefined : part / (part + rest));

const programs = (loaded: number): string => `${loaded} ${loaded === 1 ? 'program' : 'programs'}`;

export function renderStatus(status: Status, paint: Paint = plain): string[] {
  const { agent, datapath, totals, metrics, web } = status;
  const line = (name: string, value: string): string => `${paint('bold', name.padEnd(13))}${value}`;
  const state = status.ready ? paint('green', 'ready') : paint('yellow', `not ready: ${status.notReady}`);
  const mode = datapath.modeWhy === '' ? datapath.mode : `${datapath.mode} (${datapath.modeWhy})`;
  const switched = datapath.enabled ? (datapath.observe ? 'observing only' : 'enabled') : 'disabled';
  const loaded = `${programs(datapath.programs.length)}${datapath.tookOver ? ', taken over from an earlier agent' : ''}`;
  return [
    line('agent', `${state}, version ${agent.version}, pid ${String(agent.pid)}, since ${agent.startedAt}`),
    line('datapath', `${mode}, ${switched}, ${loaded}`),
    line('cgroup', datapath.cgroupPath),
    line('pins', `${datapath.pinPath} (layout ${String(datapath.layoutVersion)})`),
    line('pairs', `${count(totals.activePairs)} active`),
    line('connections', `${count(totals.accelerated)} accelerated, ${count(totals.refused)} on TCP`),
    line('messages', `${count(totals.redirectedMessages)} redirected (${share(totals.redirectedMessages, totals.tcpMessages)})`),
    line('bytes', `${bytes(totals.redirectedBytes)} redirected (${share(totals.redirectedBytes, totals.tcpBytes)})`),
    line('bus', busLine(status.bus)),
    ...(status.kubernetes ? [line('kubernetes', kubernetesLine(status.kubernetes))] : []),
    ...(status.frontdoor ? [line('front door', processWords(status.frontdoor))] : []),
    line('metrics', metrics.state === 'serving' ? metrics.detail : `${metrics.state}${metrics.detail && `: ${metrics.detail}`}`),
    ...(web.state === 'disabled' ? [] : [line('web', web.state === 'serving' ? `${web.detail}${web.exposed ? ', open to other hosts, without login' : ''}` : `failed: ${web.detail}`)]),
    ...status.problems.map((problem) => line('problem', paint('yellow', problem))),
  ];
}
