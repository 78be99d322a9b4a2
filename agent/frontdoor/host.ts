/** The door processes of a run directory: those that run are found by their sockets, and another is started beside them. */
import { spawn } from 'node:child_process';
import { closeSync, lstatSync, mkdirSync, readdirSync, unlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../config/types.js';
import { codeOf, describeError, SidestepError } from '../errors.js';
import type { Log } from '../log.js';
import { version } from '../version.js';
import { buildOf } from './build.js';
import { RemoteDoors } from './client.js';
import type { DirectKernel } from './direct-types.js';
import { doorPath, isDoorPath, PROTOCOL, type Handed } from './protocol.js';
import type { DoorHost, Doors, FoundDoors, Place, RunningDoor } from './types.js';

const program = fileURLToPath(new URL('process.js', import.meta.url));
const startMs = 10_000;
const lookMs = 10;
/** Behind those that every process has. */
const firstHanded = 3;

/** What process.ts is started with. */
export interface DoorOptions {
  readonly runDir: string;
  readonly threads: number;
  readonly handed: readonly Handed[];
  readonly log: Pick<Config['log'], 'level' | 'format'>;
}

export class ProcessHost implements DoorHost {
  readonly #runDir: string;

  constructor(private readonly config: Pick<Config, 'runDir' | 'log'>, private readonly log: Log) {
    this.#runDir = resolve(config.runDir);
  }

  async direct(): Promise<DirectKernel> {
    const { level } = this.config.log;
    return (await import('./native.js')).openDirect(level === 'debug' || level === 'trace');
  }

  async find(threads: number): Promise<FoundDoors> {
    const doors = await this.#all();
    const build = doors.length === 0 ? '' : buildOf();
    const fits = ({ identity }: RemoteDoors): boolean =>
      identity.protocol === PROTOCOL && identity.version === version && identity.build === build && identity.threads === threads;
    const fitting = doors.find(fits);
    return { fitting, others: doors.filter((one) => one !== fitting) };
  }

  async start(threads: number, before: readonly RunningDoor[], wanted: readonly Place[]): Promise<Doors> {
    mkdirSync(this.#runDir, { recursive: true, mode: 0o755 });
    const { log: { level, format } } = this.config;
    const sockets: Handed[] = [];
    try {
      for (const door of before) await this.#borrow(door, wanted, sockets);
      const handed = sockets.map((socket, index) => ({ ...socket, descriptor: firstHanded + index }));
      return await this.#spawn({ runDir: this.#runDir, threads, handed, log: { level, format } }, sockets.map(({ descriptor }) => descriptor));
    } finally {
      for (const { descriptor } of sockets) closeSync(descriptor);
    }
  }

  /** Without the right to have its sockets new ones are made beside them, and a call in the moment of the change may be lost. */
  async #borrow(door: RunningDoor, wanted: readonly Place[], into: Handed[]): Promise<void> {
    const { pid } = door.identity;
    try {
      const { borrowListener } = await import('./native.js');
      for (const { address, port, descriptors } of (await door.look()).listeners) {
        if (!wanted.some((one) => one.address === address && one.port === port)) continue;
        for (const descriptor of descriptors) into.push({ address, port, descriptor: borrowListener(pid, descriptor, address, port) });
      }
    } catch (error) {
      this.log.warn('the sockets of the front door of an earlier agent cannot be had; new ones are made beside them', { pid, because: describeError(error).message });
    }
  }

  async #spawn(options: DoorOptions, handed: readonly number[]): Promise<Doors> {
    // A session of its own, so that Ctrl-C is for the agent alone. Its words go where those of the agent go, but not into a live table.
    const child = spawn(process.execPath, [program, JSON.stringify(options)], {
      cwd: '/', detached: true, stdio: ['ignore', 'ignore', process.stderr.isTTY ? 'ignore' : 'inherit', ...handed],
      env: { PATH: process.env['PATH'], JOURNAL_STREAM: process.env['JOURNAL_STREAM'] },
    });
    const failed = new Promise<never>((_, reject) => {
      child.once('error', (error) => { reject(new SidestepError('frontdoor_process', program, error)); });
      child.once('exit', (code, signal) => { reject(new SidestepError('frontdoor_process', `ended at its start: ${String(code ?? signal)}`)); });
    });
    failed.catch(() => undefined);
    child.unref();
    for (const until = performance.now() + startMs; performance.now() < until;) {
      const doors = await Promise.race([failed, RemoteDoors.reach(doorPath(this.#runDir, child.pid ?? 0)).catch(() => undefined)]);
      if (doors) return doors;
      await Promise.race([failed, sleep(lookMs)]);
    }
    child.kill('SIGKILL');
    throw new SidestepError('frontdoor_process', `pid ${child.pid ?? 0} was not there in time`);
  }

  /** Has every door of this run directory go. Resolves to the number of connections that were reset. */
  async end(withinMs: number): Promise<number> {
    const left = await Promise.all((await this.#all()).map((door) => door.leave(withinMs)));
    return left.reduce((sum, one) => sum + one, 0);
  }

  async #all(): Promise<RemoteDoors[]> {
    const found: RemoteDoors[] = [];
    for (const path of this.#paths()) {
      try {
        found.push(await RemoteDoors.reach(path));
      } catch (error) {
        if (codeOf(error) === 'ECONNREFUSED') unlinkSync(path);
        else if (codeOf(error) !== 'ENOENT') this.log.warn('a door process that runs cannot be talked to', { path, because: describeError(error).message });
      }
    }
    return found;
  }

  /** Nobody else's: what another user put there is none of ours. */
  #paths(): string[] {
    try {
      const paths = readdirSync(this.#runDir).filter(isDoorPath).map((file) => join(this.#runDir, file));
      return paths.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.uid === process.geteuid?.());
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }
}
