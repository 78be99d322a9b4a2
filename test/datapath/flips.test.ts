// SPDX-License-Identifier: Apache-2.0
// An end of a live, accelerated connection begins to do what the map cannot serve: nothing is lost, and the reason is right.
import assert from 'node:assert/strict';
import type { ReasonName } from '../../agent/datapath/reasons.js';
import { eventually } from '../helpers/kernel-lock.js';
import { onGround, type Ground } from '../helpers/real-agent.js';

/** What the server's end begins to do, and the reason that its pair leaves with. */
const FLIPS: Record<string, ReasonName> = {
  splice: 'splice',
  blocking: 'blocking',
  zerocopy: 'socket_option',
  rcvlowat: 'socket_option',
  oobinline: 'socket_option',
  timestamps: 'socket_option',
  peek_off: 'socket_option',
  inq: 'socket_option',
};

const pairOf = (ground: Ground, port: number): string => {
  const pair = ground.pairs().find(({ client }) => client.port === port);
  return pair ? `${pair.state} ${pair.reason}` : 'gone';
};
const becomes = (ground: Ground, port: number, wanted: string): Promise<void> =>
  eventually(() => (pairOf(ground, port) === wanted ? '' : `${pairOf(ground, port)}, not ${wanted}`), 5000);

describe('a hazard on a live pair', () => {
  for (const [kind, reason] of Object.entries(FLIPS)) {
    it(`${kind}: every byte arrives, the pair leaves with reason ${reason}, and so does the next connection`, () => onGround(async (ground) => {
      await ground.ready();
      const program = ground.program('flip.py', { kind });
      const { port } = await program.next();
      await becomes(ground, port as number, 'active redirected');
      program.say();
      await program.next();
      await becomes(ground, port as number, `tcp ${reason}`);
      assert.ok(ground.pairs().find(({ client }) => client.port === port)!.clientSent.redirectedBytes > 0, 'it was accelerated before');
      program.say();
      const { second } = await program.next();
      await becomes(ground, second as number, `tcp ${reason}`);
      assert.equal(ground.counters().resets, 0);
      program.say();
      await program.end();
    })).timeout(40_000);
  }

  // A worker of the kernel does the splice, with the system call of whoever made the worker.
  for (const [how, state] of [['recv', 'active redirected'], ['splice', 'tcp splice']] as const) {
    it(`io_uring: a server that reads with ${how.toUpperCase()} is ${how === 'recv' ? 'accelerated' : 'left alone'}`, () => onGround(async (ground) => {
      await ground.ready();
      const program = ground.program('uring.py', { how });
      for (let connection = 0; connection < 2; connection++) {
        await program.next();
        await eventually(() => {
          const states = ground.pairs().map((pair) => `${pair.state} ${pair.reason}`);
          return states.length > 0 && states.every((one) => one === state) ? '' : states.join();
        }, 5000);
        program.say();
      }
      await program.end();
      assert.equal(ground.counters().resets, 0);
    })).timeout(40_000);
  }
});
