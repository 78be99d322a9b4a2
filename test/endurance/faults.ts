// SPDX-License-Identifier: Apache-2.0
/** What is done to the agent and to the traffic, each at a random moment of both. */
import { setTimeout as sleep } from 'node:timers/promises';
import { withNetns } from '../helpers/pods.js';
import type { Operator } from './operator.js';
import type { Random } from './random.js';
import { now, type Fault } from './record.js';
import { Client, Server, type Place, type Traffic } from './traffic.js';

/** Resolves to '' or what did not go as it must. */
type Deed = (random: Random) => Promise<string>;

export interface FaultKind<Kind extends string = string> {
  readonly kind: Kind;
  readonly deed: Deed;
}

/** Their names. */
export const AGENT_FAULTS = [
  'agent killed',
  'agent killed while it starts',
  'agent killed while it stops',
  'agent stopped and started',
  'all pairs retired',
  'one pair retired',
  'switched off and on',
  'observed for a moment',
  'queue made small and large',
  'upgraded from another layout',
] as const;

/** A reader that is always behind keeps its socket in, and the command says so; a pair may end by itself meanwhile. */
const unlessBehind = (complaint: string): string => (/hold unread bytes|there is no such thing/.test(complaint) ? '' : complaint);

/** `older`: bin/sidestep of a build with an earlier layout; undefined: there is none, and no such upgrade. */
export function agentFaults(operator: Operator, older?: string): FaultKind<(typeof AGENT_FAULTS)[number]>[] {
  const pause = (random: Random, most: number): Promise<void> => sleep(random.between(0, most));
  const again = (random: Random): Promise<void> => operator.start(random.of(['keep', 'retire']));
  const flip = async (random: Random, there: Parameters<Operator['change']>[0], back: Parameters<Operator['change']>[0]): Promise<string> => {
    operator.change(there);
    await pause(random, 600);
    operator.change(back);
    return '';
  };
  const upgrade = (launcher: string): FaultKind<(typeof AGENT_FAULTS)[number]> => ({ kind: 'upgraded from another layout', deed: async (random) => {
    // An older version serves only what no newer one has left.
    const complaints = [await operator.stop()];
    await operator.start('retire');
    complaints.push(await operator.stop());
    await operator.start('keep', launcher);
    await pause(random, 3000);
    if (random.between(0, 1) === 1) await operator.kill();
    else complaints.push(await operator.stop());
    await again(random);
    return complaints.find((complaint) => complaint !== '') ?? '';
  } });
  return [
    ...(older === undefined ? [] : [upgrade(older)]),
    { kind: 'agent killed', deed: async (random) => {
      await operator.kill();
      await pause(random, 1500);
      await again(random);
      return '';
    } },
    { kind: 'agent killed while it starts', deed: async (random) => {
      await operator.kill();
      for (let turn = random.between(1, 3); turn > 0; turn--) {
        operator.launch('keep');
        await pause(random, 1500);
        await operator.kill();
      }
      await again(random);
      return '';
    } },
    { kind: 'agent killed while it stops', deed: async (random) => {
      const stopped = operator.stop();
      await pause(random, 200);
      await operator.kill();
      await stopped;
      await again(random);
      return '';
    } },
    { kind: 'agent stopped and started', deed: async (random) => {
      const complaint = await operator.stop();
      await pause(random, 300);
      await again(random);
      return complaint;
    } },
    { kind: 'all pairs retired', deed: async (random) => {
      const complaint = await operator.command('retire', '--timeout', '5s');
      await pause(random, 300);
      operator.reload();
      return unlessBehind(complaint);
    } },
    { kind: 'one pair retired', deed: async (random) => {
      const active = (await operator.pairs()).filter(({ state }) => state === 'active');
      if (active.length === 0) return '';
      return unlessBehind(await operator.command('retire', random.of(active).id, '--timeout', '5s'));
    } },
    { kind: 'switched off and on', deed: (random) => flip(random, { enabled: false }, { enabled: true }) },
    { kind: 'observed for a moment', deed: (random) => flip(random, { observe: true }, { observe: false }) },
    { kind: 'queue made small and large', deed: (random) => flip(random, { queueBytes: random.of([4096, 16_384]) }, { queueBytes: random.of([65_536, 262_144, 4_194_304]) }) },
  ];
}

/** A namespace with traffic of its own, all of it taken away in the middle. */
async function namespaceComesAndGoes(place: Omit<Place, 'netns'>, random: Random): Promise<string> {
  await withNetns(async (netns) => {
    const there = { ...place, netns };
    const server = new Server('server of a moment', there, { host: '127.0.0.1', port: 7000 });
    const load = { connections: 8, chats: 2, bulks: 0, bytesPerSecond: 20_000_000, briefs: 0, seed: random.between(1, 1 << 30) };
    const client = new Client('client of a moment', there, server, server.address, load);
    server.start();
    await server.ready();
    client.start();
    await sleep(random.between(0, 3000));
    await Promise.all([client.kill(), server.kill()]);
  });
  return '';
}

export function trafficFaults(traffic: Traffic, place: Omit<Place, 'netns'>): FaultKind[] {
  const away = (random: Random) => () => sleep(random.between(0, 500));
  return [
    { kind: 'client killed', deed: async (random) => {
      await random.of(traffic.clients).replace(away(random));
      return '';
    } },
    { kind: 'server killed', deed: async (random) => {
      await random.of(traffic.servers).replace(away(random));
      return '';
    } },
    { kind: 'network namespace made and removed', deed: (random) => namespaceComesAndGoes(place, random) },
  ];
}

/** One after the other until the time is up, or so many rounds are done; each kind comes in every round, in an order of chance. */
export async function inflict(kinds: readonly FaultKind[], random: Random, gapMs: number, faults: Fault[], until: number, most = Infinity): Promise<void> {
  let round: FaultKind[] = [];
  let done = 0;
  for (;;) {
    await sleep(random.between(0, gapMs));
    if (Date.now() >= until || done++ >= most) return;
    if (round.length === 0) round = [...kinds];
    const [next] = round.splice(random.between(0, round.length - 1), 1);
    if (!next) return;
    const fault: Fault = { kind: next.kind, from: now(), to: Infinity, complaint: '' };
    faults.push(fault);
    fault.complaint = await next.deed(random);
    fault.to = now();
  }
}
