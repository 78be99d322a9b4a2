/** Why a connection is, or is not, accelerated: a verdict in words, the evidence for it, and what would change it. */
import { reasonOf } from '../datapath/reasons.js';
import type { ReasonName } from '../datapath/reasons.js';
import { messagesOf, shareOf, trafficOf } from '../datapath/traffic.js';
import type { PairState, Traffic } from '../datapath/types.js';
import type { PairView } from './resolve.js';

export interface Explanation {
  readonly pair: PairView;
  readonly accelerated: boolean;
  readonly state: PairState;
  readonly reason: ReasonName;
  /** One sentence: the verdict. */
  readonly verdict: string;
  readonly evidence: readonly string[];
  /** What a person can do. */
  readonly change: string;
}

const percent = (share: number): string => `${String(Math.round(share * 100))}%`;

/** The reason that matters: that of the pair, or of its messages when the pair itself is well. */
function decisive(pair: PairView, share: number | undefined): ReasonName {
  if (pair.reason !== 'redirected' || share === undefined || share >= 0.5) return pair.reason;
  return pair.lastPass;
}

function verdict(pair: PairView, share: number | undefined, reason: ReasonName): string {
  const because = `because ${reasonOf(reason).what}`;
  switch (pair.state) {
    case 'half':
      return reason === 'redirected'
        ? 'Not accelerated yet: the server has not entered the map.'
        : `Not accelerated yet, ${because}.`;
    case 'tcp':
      return `Not accelerated: it takes plain TCP, ${because}.`;
    case 'leaving':
      return `No longer accelerated: it is leaving the map, ${because}.`;
    case 'active':
      if (share === undefined) return 'Accelerated; nothing has been sent yet.';
      if (share === 1) return 'Accelerated: every message went around the TCP stack.';
      if (share >= 0.5) return `Accelerated: ${percent(share)} of the messages went around the TCP stack.`;
      return `In the map, but only ${percent(share)} of the messages went around the TCP stack, ${because}.`;
  }
}

function sent(who: string, traffic: Traffic): string {
  const { redirectedMessages, redirectedBytes, passedMessages, passedBytes } = traffic;
  if (messagesOf(traffic) === 0) return `the ${who} has sent nothing`;
  return (
    `the ${who} sent ${String(redirectedMessages)} messages (${String(redirectedBytes)} bytes) redirected, ` +
    `${String(passedMessages)} (${String(passedBytes)} bytes) over TCP`
  );
}

function evidence(pair: PairView): string[] {
  const lines = [sent('client', pair.clientSent), sent('server', pair.serverSent)];
  if (pair.lastPass !== 'redirected')
    lines.push(`the latest message that took TCP did so because ${reasonOf(pair.lastPass).what} (${pair.lastPass})`);
  const waiting: [string, number][] = [['client', pair.clientQueued], ['server', pair.serverQueued]];
  for (const [who, bytes] of waiting) if (bytes > 0) lines.push(`${String(bytes)} unread bytes wait at the ${who}`);
  if (pair.client.netns !== pair.server.netns) lines.push('the two ends are in different network namespaces');
  return lines;
}

export function explain(pair: PairView): Explanation {
  const share = shareOf(trafficOf(pair));
  const reason = decisive(pair, share);
  return {
    pair,
    accelerated: pair.state === 'active' && (share === undefined || share >= 0.5),
    state: pair.state,
    reason,
    verdict: verdict(pair, share, reason),
    evidence: evidence(pair),
    change: reasonOf(reason).remedy,
  };
}
