/** Sums over what the kernel counted. */
import { REASON_NAMES } from './reasons.js';
import type { ByReason, Counters, Pair, PairGroup, Traffic } from './types.js';

export const zeroTraffic = (): Traffic => ({
  redirectedBytes: 0,
  redirectedMessages: 0,
  passedBytes: 0,
  passedMessages: 0,
});

export const zeroByReason = (): ByReason => Object.fromEntries(REASON_NAMES.map((name) => [name, 0])) as ByReason;

export function plus(a: Traffic, b: Traffic): Traffic {
  return {
    redirectedBytes: a.redirectedBytes + b.redirectedBytes,
    redirectedMessages: a.redirectedMessages + b.redirectedMessages,
    passedBytes: a.passedBytes + b.passedBytes,
    passedMessages: a.passedMessages + b.passedMessages,
  };
}

/** Both directions of a pair together. */
export const trafficOf = (pair: Pair): Traffic => plus(pair.clientSent, pair.serverSent);
export const messagesOf = (traffic: Traffic): number => traffic.redirectedMessages + traffic.passedMessages;
export const bytesOf = (traffic: Traffic): number => traffic.redirectedBytes + traffic.passedBytes;

/** Redirected share of the messages, 0 to 1; undefined before the first message. */
export function shareOf(traffic: Traffic): number | undefined {
  const messages = messagesOf(traffic);
  return messages === 0 ? undefined : traffic.redirectedMessages / messages;
}

export interface Totals {
  /** Open pairs, in whatever state. */
  pairs: number;
  activePairs: number;
  redirectedBytes: number;
  redirectedMessages: number;
  tcpBytes: number;
  tcpMessages: number;
  accelerated: number;
  refused: number;
}

function split(counts: ByReason): [redirected: number, rest: number] {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return [counts.redirected, all - counts.redirected];
}

/** Open pairs, or those of them that are wanted. */
export const countPairs = (open: readonly PairGroup[], wanted: (group: PairGroup) => boolean = () => true): number =>
  open.reduce((sum, group) => sum + (wanted(group) ? group.connections : 0), 0);

export function totalsOf(counters: Counters, open: readonly PairGroup[]): Totals {
  const [redirectedBytes, tcpBytes] = split(counters.bytes);
  const [redirectedMessages, tcpMessages] = split(counters.messages);
  const [accelerated, refused] = split(counters.connections);
  return {
    pairs: countPairs(open),
    activePairs: countPairs(open, ({ state }) => state === 'active'),
    redirectedBytes,
    redirectedMessages,
    tcpBytes,
    tcpMessages,
    accelerated,
    refused,
  };
}
