// SPDX-License-Identifier: Apache-2.0
/** What a run must have shown. Pure: a record goes in, claims come out. */
import type { Fault, Run, Sample, Seen } from './record.js';

export interface Claim {
  readonly claim: string;
  /** '' when it holds; otherwise what was seen instead. */
  readonly otherwise: string;
}

const MiB = 1024 * 1024;

/** Node.js, the addon and its tables. */
const AGENT_RSS_KIB = 200 * 1024;

/** Two generations side by side at a take-over, the self-test, and room for what the kernel frees a moment later. */
const GENERATIONS = 4;

const LATELY_NS = 2e9;

/** Churn has no others. */
const CHURN_SHAPES: ReadonlySet<string> = new Set(['brief', 'chat']);

/** With what happened to the agent just before: a trouble may not come a second time. */
function told({ trouble, teller }: Seen, faults: readonly Fault[]): string {
  const { what, error, shape, sent, toSend, got, toGet, unread, unsent, opened, at, chunk, wrong } = trouble;
  const lately = faults.filter(({ from, to }) => from <= at && to >= at - LATELY_NS).map(({ kind, from, to }) => `${kind} ${seconds(from - at)} to ${seconds(Math.min(to, at) - at)}`);
  const bytes = what === 'mismatch' ? `; of a ${wrong.peeked ? 'peek' : 'read'} of ${wrong.size} ${wrong.right} were right, the next belongs ${wrong.shift} ahead` : '';
  return `${teller}: ${what} ${error} ${shape}, sent ${sent} of ${toSend} by ${chunk} at most, got ${got} of ${toGet}, unread ${unread}, unsent ${unsent}, open for ${seconds(at - opened)}${bytes}; meanwhile ${list(lately) || 'nothing'}`;
}

const seconds = (ns: number): string => `${(ns / 1e9).toFixed(3)} s`;

function list(what: readonly string[]): string {
  return what.length <= 3 ? what.join('; ') : `${what.slice(0, 3).join('; ')}; and ${what.length - 3} more`;
}

const largest = (samples: readonly Sample[], field: keyof Sample): number => Math.max(0, ...samples.map((sample) => sample[field]));

/** Of an hour at a thousand connections a second this is nine bytes for each. */
const FLAT_MIB = 32;

/** Memory is flat: the middle value of the last tenth of the samples is no more than that of the second tenth, which is after warm-up. */
function flat(samples: readonly Sample[], field: keyof Sample): string {
  const tenth = (number: number): number[] => samples.slice(Math.floor((samples.length * number) / 10), Math.ceil((samples.length * (number + 1)) / 10)).map((sample) => sample[field]).sort((a, b) => a - b);
  const middle = (values: readonly number[]): number => values[values.length >> 1] ?? NaN;
  const grown = (middle(tenth(9)) - middle(tenth(1))) / 1024;
  return grown <= FLAT_MIB ? '' : `${field} grew by ${grown.toFixed(1)} MiB, at most ${FLAT_MIB} expected`;
}

function churnClaims({ churn, seconds: length, samples, totals }: Run): Claim[] {
  if (churn === 0) return [];
  const opened = totals.opened / 2 / length;
  const fields = ['agentRssKiB', 'mapsKiB', 'tcpMemoryKiB', 'unreclaimableKiB'] as const;
  return [
    { claim: 'as many connections as were asked for', otherwise: opened >= 0.95 * churn ? '' : `${opened.toFixed(0)} a second, ${churn} were asked for` },
    { claim: 'memory of agent and kernel is flat after warm-up', otherwise: list(fields.map((field) => flat(samples.slice(1, -1), field)).filter((words) => words !== '')) },
  ];
}

/** The first sample is from before the agent and the traffic, the last from after them. */
export function judge(run: Run): Claim[] {
  const { seen, samples, faults, totals } = run;
  const of = (...what: Seen['trouble']['what'][]): string[] => seen.filter(({ trouble, because }) => what.includes(trouble.what) && !because).map((one) => told(one, faults));
  const [before, after] = [samples[0], samples.at(-1)];
  const single = samples[1];
  const growth = (field: keyof Sample): number => (before && after ? after[field] - before[field] : NaN);
  const bound = (value: number, most: number, unit: string): string => (value <= most ? '' : `${Math.round(value)} ${unit}, at most ${Math.round(most)} expected`);
  const share = run.redirectedBytes / Math.max(1, totals.bytes);
  return [
    { claim: 'every byte came once, in its place', otherwise: list(of('mismatch', 'too_many')) },
    { claim: 'no connection was reset or cut short, but by processes that we killed', otherwise: list(of('error', 'connect', 'cut_short')) },
    { claim: 'no connection hung', otherwise: list(of('hang')) },
    { claim: 'connections of every shape came to their end', otherwise: list(Object.entries(totals.done).filter(([shape, count]) => count === 0 && (run.churn === 0 || CHURN_SHAPES.has(shape))).map(([shape]) => shape)) },
    { claim: 'the traffic was accelerated: a tenth of its bytes or more', otherwise: run.plain || share >= 0.1 ? '' : `${(100 * share).toFixed(1)} % of ${Math.round(totals.bytes / MiB)} MiB` },
    { claim: 'agent and commands did what they were asked', otherwise: list(faults.filter(({ complaint }) => complaint !== '').map(({ kind, complaint }) => `${kind}: ${complaint}`)) },
    { claim: 'no program of the traffic fell', otherwise: list(run.fallen) },
    { claim: 'the agent stays small', otherwise: bound(largest(samples, 'agentRssKiB') / 1024, AGENT_RSS_KIB / 1024, 'MiB') },
    { claim: 'programs, maps and links do not pile up', otherwise: before && single ? list((['programs', 'maps', 'links'] as const).map((kind) => bound(largest(samples, kind) - before[kind], GENERATIONS * Math.max(1, single[kind] - before[kind]), kind)).filter((words) => words !== '')) : 'nothing was sampled' },
    { claim: 'the kernel gets its TCP memory back', otherwise: bound(growth('tcpMemoryKiB') / 1024, 8, 'MiB more than before') },
    { claim: 'nothing is left: no program, map, link, pin or cgroup', otherwise: list(run.left) },
    { claim: 'no pair outlives its connection', otherwise: list(run.pairsLeft) },
    { claim: 'the kernel does not complain', otherwise: list(run.kernelComplaints) },
    ...churnClaims(run),
  ];
}
