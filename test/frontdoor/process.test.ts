// SPDX-License-Identifier: Apache-2.0
// The door is a process of its own: agents come and go, and its connections go on.
import assert from 'node:assert/strict';
import { assertWhole, onDoorGround } from '../helpers/door-agents.js';

describe('an agent with a front door under load', () => {
  it('that is killed, and another after it, cost nobody a connection, a byte or a call', () => onDoorGround(async (ground) => {
    let agent = await ground.agent();
    const door = await ground.doorPid();
    ground.traffic.say();
    await ground.passes(100, 50);
    for (let times = 0; times < 3; times++) {
      await ground.killed(agent);
      // Without any agent.
      await ground.passes(100, 50);
      agent = await ground.agent();
      await agent.said('the front door of an earlier agent goes on');
      await ground.passes(100, 50);
      assert.equal(await ground.doorPid(), door);
    }
    assertWhole(await ground.seen());
  })).timeout(120_000);
});
