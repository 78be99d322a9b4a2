/** Why a connection is, or is not, accelerated: a verdict in words, the evidence for it, and what would change it. */
import { reasonOf } from '../datapath/reasons.js';
import type { ReasonName } from '../datapath/reasons.js';
import { messagesOf, shareOf, trafficOf } from '../datapath/traffic.js';
import type { PairState, Profile, ReadSeen, ScopeEffect, Traffic } from '../datapath/types.js';
import type { RuleView } from '../scope/scope.js';
import { isAnnotation } from '../scope/annotated.js';
import { BY_HAND } from '../scope/rules.js';
import { profileOf, verdictOf, type Verdict } from './profiles.js';
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
  // A socket that was never in the map is only seen by what TCP counts: bytes.
  if (messagesOf(traffic) === 0) return passedBytes === 0 ? `the ${who} has sent nothing` : `the ${who} sent ${String(passedBytes)} bytes over TCP`;
  return (
    `the ${who} sent ${String(redirectedMessages)} messages (${String(redirectedBytes)} bytes) redirected, ` +
    `${String(passedMessages)} (${String(passedBytes)} bytes) over TCP`
  );
}

type Role = 'client' | 'server';
const roles: readonly Role[] = ['client', 'server'];

const seen: Readonly<Record<Verdict, (who: Role) => string>> = {
  clean: (who) => `the program of the ${who} is known to read with recv from non-blocking sockets`,
  blocking: (who) => `the program of the ${who} also reads from blocking sockets, so this connection has to show that it does not block`,
  unsafe: (who) => `the program of the ${who} has been seen reading in a way that cannot be served`,
  learning: (who) => `the program of the ${who} has not been seen reading from a non-blocking socket for long enough`,
};

/** Which end the decision waits for. */
function learned(pair: PairView, profiles: readonly Profile[]): string[] {
  if (pair.server.inode === '0') return ['the server has not accepted the connection yet'];
  const known = roles.map((who) => profileOf(pair[who], profiles));
  const lines = known.map((profile, index) => {
    const who = roles[index] ?? 'client';
    return profile ? seen[verdictOf(profile)](who) : `the ${who} has not been seen reading yet`;
  });
  const waits = known.every((profile) => profile && verdictOf(profile) === 'clean');
  return waits ? [...lines, 'it joins when nothing waits unread at either end, once the server has read from a connection of this listener'] : lines;
}

/** Who takes bytes out of its socket in a way that cannot be served, and what follows. */
function hazards(pair: PairView, profiles: readonly Profile[]): string[] {
  const guilty = roles.filter((who) => profileOf(pair[who], profiles)?.hazard === pair.reason);
  const lines = guilty.map((who) => `it is the ${who}, ${pair[who].comm}; its next connections stay on TCP`);
  if (guilty.length === 0) lines.push('which end it was is not known any more');
  if (pair.state === 'leaving') lines.push('if bytes wait that it can never read, the connection is reset after half a second');
  return lines;
}

/** Which call, how often, when. */
function readOf(who: Role, read: ReadSeen | null): string[] {
  if (!read) return [];
  const times = read.times === 1 ? 'once' : `${String(read.times)} times`;
  const how = read.hazard ? ', which sees nothing of redirected bytes' : read.blocking ? ', on a blocking socket' : '';
  return [`the guard looked at reads of the ${who} ${times}, latest ${String(Math.round(read.msAgo))} ms ago: ${read.call}${how}`];
}

/** What a rule that decided has done. Those of other effects never decide by themselves. */
const done: Readonly<Record<ScopeEffect, string>> = { exclude: 'excluded', include: 'included', observe: 'observed', trust: 'trusted', blocking: 'allowed to block' };

function ruled(pair: PairView, rule: RuleView | undefined): string[] {
  const lines = rule ? [`${done[rule.effect]} by ${isAnnotation(rule) ? `the ${rule.origin} (${rule.text})` : `${rule.text} (${rule.origin})`}`] : [];
  for (const who of roles) {
    if (pair[who].trusted) lines.push(`guard.trust has a selector that matches the ${who}`);
    if (pair[who].lenient) lines.push(`guard.allowBlocking has a selector that matches the ${who}`);
  }
  return lines;
}

function guarded(pair: PairView, profiles: readonly Profile[]): string[] {
  if (pair.state === 'tcp' && pair.reason === 'learning') return learned(pair, profiles);
  return pair.reason === 'splice' ? hazards(pair, profiles) : [];
}

function evidence(pair: PairView, profiles: readonly Profile[], rule: RuleView | undefined): string[] {
  const reads = [...readOf('client', pair.clientRead), ...readOf('server', pair.serverRead)];
  const lines = [...ruled(pair, rule), ...guarded(pair, profiles), ...reads, sent('client', pair.clientSent), sent('server', pair.serverSent)];
  if (pair.lastPass !== 'redirected')
    lines.push(`the latest message that took TCP did so because ${reasonOf(pair.lastPass).what} (${pair.lastPass})`);
  const waiting: [string, number][] = [['client', pair.clientQueued], ['server', pair.serverQueued]];
  for (const [who, bytes] of waiting) if (bytes > 0) lines.push(`${String(bytes)} unread bytes wait at the ${who}`);
  if (pair.server.inode !== '0' && (pair.dialledAddress !== pair.server.address || pair.dialledPort !== pair.server.port))
    lines.push(`the client asked for ${pair.dialledAddress} port ${String(pair.dialledPort)}`);
  if (pair.client.netns !== pair.server.netns) lines.push('the two ends are in different network namespaces');
  return lines;
}

/** The list of reasons says it for all readers; here is room for how. */
const changes: Partial<Record<ReasonName, string>> = {
  splice:
    'nothing has to be done, as proxies that splice are fast on TCP; to have it accelerated, let it read with recv ' +
    'from non-blocking sockets and start it in a new cgroup: what was seen is remembered for executable and cgroup',
};

function changeOf(reason: ReasonName, rule: RuleView | undefined): string {
  if ((reason === 'excluded' || reason === 'observed') && rule && isAnnotation(rule)) return `take away the ${rule.origin}`;
  if (reason === 'excluded' && rule)
    return rule.origin === BY_HAND ? `\`sidestep enable ${rule.text}\`` : `take ${rule.text} out of scope.exclude (${rule.origin})`;
  return changes[reason] ?? reasonOf(reason).remedy;
}

export function explain(pair: PairView, profiles: readonly Profile[] = [], rule?: RuleView): Explanation {
  const share = shareOf(trafficOf(pair));
  const reason = decisive(pair, share);
  return {
    pair,
    accelerated: pair.state === 'active' && (share === undefined || share >= 0.5),
    state: pair.state,
    reason,
    verdict: verdict(pair, share, reason),
    evidence: evidence(pair, profiles, rule),
    change: changeOf(reason, rule),
  };
}
