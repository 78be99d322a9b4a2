// SPDX-License-Identifier: Apache-2.0
// Connections that end after a few messages are not worth enrolling; those that go on are. Every answer is compared: see shorts.py.
import assert from 'node:assert/strict';
import type { Edge } from '../../agent/datapath/types.js';
import { FINDS, SLOWNESS } from '../helpers/kernel.js';
import { eventually } from '../helpers/kernel-lock.js';
import type { Program } from '../helpers/program.js';
import { onGround, type Ground } from '../helpers/real-agent.js';

class Opener {
  constructor(private readonly ground: Ground, private readonly program: Program) {}

  /** Connections of so many turns; resolves to the port of the last, which is still open. */
  async #do(words: string): Promise<number> {
    this.program.say(words);
    return (await this.program.next())['port'] as number;
  }
  open(turns: number, connections: number): Promise<number> { return this.#do(`open ${turns} ${connections}`); }
  more(turns: number): Promise<number> { return this.#do(`more ${turns}`); }
  becomes(port: number, wanted: string): Promise<void> { return this.ground.becomes(port, wanted); }
}

const opening = (more: readonly string[], test: (opener: Opener, ground: Ground) => Promise<void>): (() => Promise<void>) => () => onGround(async (ground) => {
  await ground.ready(more);
  await test(new Opener(ground, ground.program('shorts.py')), ground);
});

const edgeOf = (ground: Ground): Edge => {
  const { edges: [edge] } = ground.api('/v1/edges') as { edges: Edge[] };
  assert(edge);
  return edge;
};

describe('brief connections', () => {
  it('stay on TCP where those before them ended soon; one that goes on is adopted', opening(['--set', 'placement.follow=1'], async (opener, ground) => {
    await opener.becomes(await opener.open(8, 1), 'active redirected');
    const port = await opener.open(1, 200);
    await opener.becomes(port, 'tcp brief');
    const before = ground.counters().connections;
    await opener.open(1, 101);
    await eventually(() => {
      const { brief, redirected } = ground.counters().connections;
      const seen = [brief - before.brief, redirected - before.redirected];
      // The one that waited counts now, the one that waits now does not yet.
      return String(seen) === '101,0' ? '' : String(seen);
    });
    await opener.becomes(await opener.more(20), 'active redirected');
    const { redirected } = ground.counters().messages;
    await opener.more(10);
    assert.equal(ground.counters().messages.redirected - redirected, 20);
  }));

  it('enter at once again when they last for longer', opening(['--set', 'placement.follow=1'], async (opener) => {
    await opener.open(1, 100);
    await opener.becomes(await opener.open(1, 1), 'tcp brief');
    await opener.open(30, 40);
    await opener.becomes(await opener.open(1, 1), 'active redirected');
  }));

  it('are followed one in so many, and that one stands for those before it', opening(['--set', 'placement.follow=8'], async (opener, ground) => {
    await opener.open(1, 100);
    const before = ground.counters().connections;
    const edgeBefore = edgeOf(ground);
    await opener.open(1, 800);
    await opener.open(1, 1);
    await eventually(() => {
      const { brief, remote } = ground.counters().connections;
      const edge = edgeOf(ground);
      // Each is counted by its reason when it opens, the followed ones when they close: one of them may still be open.
      const counted = brief - before.brief;
      if (counted < 800 || counted > 801 || remote !== before.remote) return `${String(counted)} brief, ${String(remote - before.remote)} remote`;
      const connections = edge.connections - edgeBefore.connections, bytes = edge.clientSent.passedBytes - edgeBefore.clientSent.passedBytes;
      return Math.abs(connections - 800) <= 16 && Math.abs(bytes - 800 * 100) <= 16 * 100 ? '' : `${String(connections)} connections, ${String(bytes)} bytes`;
    });
    const rows = ground.pairs().length;
    assert(rows <= 1, `${String(rows)} rows`);
  }));

  it(FINDS ? 'are adopted when they go on, though nobody followed them' : 'are all followed where one that goes on cannot be found', opening([], async (opener, ground) => {
    await opener.open(1, 101);
    const port = await opener.open(1, 2);
    assert.equal(ground.state(port), 'gone');
    if (!FINDS) {
      await eventually(async () => {
        const states = [ground.state(await opener.open(1, 1)), ground.state(await opener.open(1, 1))];
        return states.every((state) => state === 'tcp brief') ? '' : states.join();
      }, 15_000);
      return;
    }
    // It is found within some seconds, and then watched like any other.
    await eventually(async () => {
      await opener.more(10);
      return ground.state(port) === 'active redirected' ? '' : ground.state(port);
    }, 15_000);
  })).timeout(60_000 * SLOWNESS);

  it('enter at once where the configuration says so', opening(['--set', 'placement.brief=0'], async (opener, ground) => {
    await opener.becomes(await opener.open(1, 200), 'active redirected');
    assert.equal(ground.counters().connections.brief, 0);
  }));
});
