/** Everything that has to stand before the first round, in the order of setting it up. */
import { findCgroup2 } from '../agent/datapath/cgroup.js';
import type { Status } from '../agent/admin/objects.js';
import { Agent } from './agent.js';
import { Commands } from './commands.js';
import { clearGround, clearLeftovers, makeGround, type Ground } from './ground.js';
import type { Progress } from './progress.js';
import { freePort, RedisServer, requireRedis } from './redis.js';
import { takeTurn } from './turn.js';
import type { Undo } from './undo.js';

export interface Stage {
  readonly ground: Ground;
  readonly commands: Commands;
  readonly agent: Agent;
  readonly status: Status;
  readonly redis: RedisServer;
  readonly progress: Progress;
}

export async function setStage(stopped: AbortSignal, progress: Progress, undo: Undo): Promise<Stage> {
  requireRedis();
  const cgroupRoot = findCgroup2();
  const release = await takeTurn(stopped, (sentence) => { progress.note(sentence); });
  undo.add('the lock', release);

  const leftovers = await clearLeftovers(cgroupRoot);
  if (leftovers.length > 0) progress.note(`removed what demo ${leftovers.join(', ')} had left`);
  undo.add('the places of the demo', () => clearGround(cgroupRoot, process.pid));
  const ground = makeGround(cgroupRoot, process.pid);
  const commands = new Commands(stopped);

  progress.now('the agent proves the kernel on throw-away sockets');
  const agent = new Agent(commands, ground);
  undo.add('the agent', () => agent.stop());
  const status = await agent.ready(stopped);

  // After the agent, so that its listener is seen from its first moment.
  const redis = new RedisServer(commands, ground.served, ground.folder, await freePort());
  undo.add('redis-server', () => redis.stop());
  await redis.ready();
  stopped.throwIfAborted();
  progress.done(`the agent is ready (mode ${status.datapath.mode}), redis-server listens on port ${redis.port}`);
  return { ground, commands, agent, status, redis, progress };
}
