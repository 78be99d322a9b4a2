/** The door process, as the agent calls it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import { SidestepError } from '../errors.js';
import { eachLine, errorOf, say, type Answer, type Greeting } from './protocol.js';
import type { DoorLook, Doors, Target } from './types.js';

/** Also for a door that was just started on a busy host. */
const patienceMs = 5000;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class RemoteDoors implements Doors {
  readonly gone: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #requests = 0;

  private constructor(private readonly socket: Socket, readonly identity: Greeting) {
    this.gone = new Promise((resolve) => { socket.once('close', () => { resolve(); }); });
    void this.gone.then(() => { for (const one of this.#waiting.values()) one.reject(this.#silent('ended')); });
  }

  /** Rejects with the error of connect(2) when nobody listens, and with frontdoor_process when no door does. */
  static async reach(path: string): Promise<RemoteDoors> {
    const socket = connect(path);
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        reject(new SidestepError('frontdoor_process', `${path} ${why}`));
        socket.destroy();
      };
      const timer = setTimeout(() => { fail('does not greet'); }, patienceMs);
      socket.once('close', () => { fail('hangs up'); });
      let doors: RemoteDoors | undefined;
      eachLine(socket, (line) => {
        const said = parsed(line);
        if (doors) doors.#heard(said as unknown as Answer);
        else if (said['door'] !== 'sidestep') fail('is no door');
        else {
          clearTimeout(timer);
          resolve(doors = new RemoteDoors(socket, said as unknown as Greeting));
        }
      });
    });
  }

  async open(door: FrontDoorConfig, backends: readonly Target[]): Promise<void> { await this.#ask('open', { door, backends }, patienceMs); }
  async configure(door: FrontDoorConfig): Promise<void> { await this.#ask('configure', { door }, patienceMs); }
  async setBackends(name: string, backends: readonly Target[]): Promise<void> { await this.#ask('setBackends', { name, backends }, patienceMs); }
  async shut(name: string): Promise<void> { await this.#ask('shut', { name }, patienceMs); }
  async look(): Promise<DoorLook> { return await this.#ask('look', {}, patienceMs) as DoorLook; }
  async leave(within?: number): Promise<number> { return await this.#ask('leave', { within }, within === undefined ? undefined : within + patienceMs) as number; }
  release(): void { this.socket.destroy(); }

  #silent(how: string): SidestepError { return new SidestepError('frontdoor_process', `pid ${this.identity.pid} ${how}`); }

  /** Without a time, for as long as the door is there. */
  async #ask(call: string, argument: Readonly<Record<string, unknown>>, withinMs?: number): Promise<unknown> {
    if (this.socket.destroyed) throw this.#silent('ended');
    const id = ++this.#requests;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        if (withinMs !== undefined) timer = setTimeout(() => { reject(this.#silent('does not answer')); }, withinMs);
        say(this.socket, { id, call, with: argument });
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  #heard(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if ('error' in answer) waiting?.reject(errorOf(answer.error));
    else waiting?.resolve(answer.result);
  }
}

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}
