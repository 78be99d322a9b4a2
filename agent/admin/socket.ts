/** The path of the admin socket: who may bind it, what a dead agent left, and its permissions from the first moment. */
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { SidestepError } from '../errors.js';
import { AdminClient } from './client.js';

export const socketPath = (runDir: string): string => join(runDir, 'agent.sock');

/** True when somebody accepts connections there. */
function isLive(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once('connect', () => { probe.destroy(); resolve(true); });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      // A full backlog belongs to an agent that is alive and very busy.
      else if (error.code === 'EAGAIN') resolve(true);
      else reject(error);
    });
  });
}

async function ownerOf(path: string): Promise<string> {
  try {
    const { agent } = await new AdminClient(path, 1000).status();
    return `pid ${String(agent.pid)} at ${path}`;
  } catch {
    return `at ${path}, and does not answer`;
  }
}

/** Makes the directory, and takes away the socket of an agent that died. */
async function clear(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) throw new SidestepError('socket_in_use', path);
  if (await isLive(path)) throw new SidestepError('agent_running', await ownerOf(path));
  unlinkSync(path);
}

export function groupId(group: string, file = '/etc/group'): number {
  if (/^\d+$/.test(group)) return Number(group);
  const line = readFileSync(file, 'utf8').split('\n').find((entry) => entry.startsWith(`${group}:`));
  if (line === undefined) throw new SidestepError('config_invalid', `admin.group: there is no group ${group}`);
  return Number(line.split(':')[2]);
}

export interface SocketAccess {
  /** '' keeps the group of the agent. */
  group: string;
  mode: number;
}

export async function listenAt(server: Server, path: string, access: SocketAccess): Promise<void> {
  const gid = access.group === '' ? undefined : groupId(access.group);
  await clear(path);
  // bind(2) happens inside listen(): nobody gets in between it and the right permissions.
  const mask = process.umask(0o177);
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => { server.off('error', reject); resolve(); });
  });
  process.umask(mask);
  await listening;
  if (gid !== undefined) chownSync(path, process.getuid?.() ?? 0, gid);
  chmodSync(path, access.mode);
}
