/** The places of the host that a demo uses, all named after its process, and how to clear them away. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const bpffs = '/sys/fs/bpf';
const runtime = '/run';
const name = /^sidestep-demo-(\d+)(?:-selftest-\d+)?$/;
const emptyingMs = 3000;

export interface Ground {
  /** The cgroup that the agent serves. */
  readonly served: string;
  /** Its twin, which nobody serves. */
  readonly plain: string;
  /** For the agent itself. */
  readonly agent: string;
  readonly pins: string;
  readonly folder: string;
}

export function makeGround(cgroupRoot: string, pid: number): Ground {
  const own = `sidestep-demo-${pid}`;
  const groups = join(cgroupRoot, own);
  const ground = {
    served: join(groups, 'served'), plain: join(groups, 'plain'), agent: join(groups, 'agent'),
    pins: join(bpffs, own), folder: join(runtime, own),
  };
  mkdirSync(ground.folder, { mode: 0o700 });
  for (const group of [groups, ground.served, ground.plain, ground.agent]) mkdirSync(group);
  return ground;
}

const groupsIn = (group: string): string[] =>
  readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => join(group, entry.name));

function killAll(group: string): void {
  for (const line of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n')) {
    try {
      if (line !== '') process.kill(Number(line), 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

/** A cgroup can be removed a moment after its last process has died. */
async function removeGroup(group: string): Promise<void> {
  if (!lstatSync(group, { throwIfNoEntry: false })) return;
  for (const inner of groupsIn(group)) await removeGroup(inner);
  const until = Date.now() + emptyingMs;
  for (;;) {
    killAll(group);
    try {
      rmdirSync(group);
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
    await sleep(20);
  }
}

/** Ends every process in the groups first: what they hold open could not go. */
export async function clearGround(cgroupRoot: string, pid: number): Promise<void> {
  await removeGroup(join(cgroupRoot, `sidestep-demo-${pid}`));
  for (const parent of [bpffs, runtime])
    for (const entry of demosIn(parent)) if (entry.pid === pid) rmSync(entry.path, { recursive: true, force: true });
}

function demosIn(parent: string): { path: string; pid: number }[] {
  return readdirSync(parent).flatMap((entry) => {
    const pid = name.exec(entry)?.[1];
    return pid === undefined ? [] : [{ path: join(parent, entry), pid: Number(pid) }];
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What demos left that were killed. Resolves to their process ids. */
export async function clearLeftovers(cgroupRoot: string): Promise<number[]> {
  const found = [cgroupRoot, bpffs, runtime].flatMap(demosIn).map(({ pid }) => pid);
  const dead = [...new Set(found)].filter((pid) => pid === process.pid || !isAlive(pid));
  for (const pid of dead) await clearGround(cgroupRoot, pid);
  return dead;
}
