/** The door process as the agent can talk to it. It needs no agent: what was told last holds until somebody says otherwise. */
import { lstatSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FrontDoorConfig } from '../../config/frontdoor-types.js';
import { listenAt } from '../admin/socket.js';
import { SidestepError } from '../errors.js';
import type { Log } from '../log.js';
import { eachLine, failureOf, say, type Greeting, type Handed, type Request } from './protocol.js';
import type { DoorThreads, Place, Target } from './types.js';

/** How often it is asked whether the last connection has ended. */
const drainLookMs = 20;
/** How often it looks whether anybody could still reach it. */
const reachableMs = 1000;
/** An agent has one, a command for a moment another. */
const mostClients = 32;

type Call = (argument: Readonly<Record<string, unknown>>) => unknown;

export class DoorServer {
  readonly #server = createServer((socket) => { this.#greet(socket); });
  readonly #clients = new Set<Socket>();
  /** Of each listener that ever was open, in milliseconds. */
  readonly #drainTimeouts = new Map<string, number>();
  /** When what is left of a listener is cut, by its name: shut twice, all of it has the later time. */
  readonly #deadlines = new Map<string, NodeJS.Timeout>();
  #handed: readonly Handed[];
  #watch: NodeJS.Timeout | undefined;
  #leaving: Promise<number> | undefined;

  constructor(
    private readonly threads: DoorThreads,
    private readonly greeting: Greeting,
    private readonly log: Log,
    handed: readonly Handed[] = [],
  ) {
    this.#handed = handed;
    this.#server.maxConnections = mostClients;
  }

  async listen(path: string): Promise<void> {
    await listenAt(this.#server, path, { group: '', mode: 0o600 });
    this.#server.on('error', (error) => { this.log.warn('somebody could not be let in at the socket of the door', { error }); });
    const { ino } = lstatSync(path);
    this.#watch = setInterval(() => {
      const reachable = lstatSync(path, { throwIfNoEntry: false })?.ino === ino;
      const idle = this.#clients.size === 0 && this.threads.look().listeners.length === 0;
      if (reachable && !idle) return;
      if (!reachable) this.log.warn('the run directory has gone, and no agent can come: no more connections are taken', { path });
      void this.retire();
    }, reachableMs);
  }

  /** Goes without having been asked by an agent: it is left alone at once, so that it can have another. */
  retire(): Promise<number> {
    for (const socket of this.#clients) socket.destroy();
    return this.leave();
  }

  /** Without a time, each listener has its own drainTimeout. Resolves, when all is over, to the number of connections that were reset. */
  leave(withinMs?: number): Promise<number> {
    return this.#leaving ??= this.#leave(withinMs ?? Math.max(0, ...this.#drainTimeouts.values()));
  }

  async #leave(withinMs: number): Promise<number> {
    clearInterval(this.#watch);
    // Nobody may find it any more.
    this.#server.close();
    for (const { name, open } of this.threads.look().listeners) if (open) this.#shut(name);
    const until = performance.now() + withinMs;
    while (this.#active() > 0 && performance.now() < until) await sleep(drainLookMs);
    const reset = this.#active();
    for (const timer of this.#deadlines.values()) clearTimeout(timer);
    this.threads.close();
    if (reset > 0) this.log.warn('connections through the front door were reset: they had not ended in time', { connections: reset });
    // After the answer to whoever asked.
    setImmediate(() => { for (const socket of this.#clients) socket.destroySoon(); });
    return reset;
  }

  /** Once: later the numbers may be those of anything. */
  #handedAt({ address, port }: Place): number[] {
    const here = (socket: Handed): boolean => socket.address === address && socket.port === port;
    const found = this.#handed.filter(here);
    this.#handed = this.#handed.filter((socket) => !here(socket));
    return found.map(({ descriptor }) => descriptor);
  }

  #active(): number { return this.threads.look().listeners.reduce((sum, { active }) => sum + active, 0); }

  #shut(name: string): void {
    this.threads.shut(name);
    clearTimeout(this.#deadlines.get(name));
    this.#deadlines.set(name, setTimeout(() => {
      this.#deadlines.delete(name);
      this.threads.cut(name);
    }, this.#drainTimeouts.get(name)));
  }

  readonly #calls: Readonly<Record<string, Call>> = {
    open: ({ door, backends }) => {
      const config = door as FrontDoorConfig;
      this.threads.open(config, backends as Target[], this.#handedAt(config));
      this.#drainTimeouts.set(config.name, config.drainTimeout);
    },
    configure: ({ door }) => {
      const config = door as FrontDoorConfig;
      this.threads.configure(config);
      this.#drainTimeouts.set(config.name, config.drainTimeout);
    },
    setBackends: ({ name, backends }) => { this.threads.setBackends(name as string, backends as Target[]); },
    shut: ({ name }) => { this.#shut(name as string); },
    look: () => this.threads.look(),
    leave: ({ within }) => this.leave(typeof within === 'number' ? within : undefined),
  };

  #greet(socket: Socket): void {
    this.#clients.add(socket);
    socket.on('close', () => { this.#clients.delete(socket); });
    // Whoever has gone has heard enough.
    socket.on('error', () => undefined);
    say(socket, this.greeting);
    eachLine(socket, (line) => { void this.#answer(socket, line); });
  }

  async #answer(socket: Socket, line: string): Promise<void> {
    let request: Request;
    try {
      request = JSON.parse(line) as Request;
      const call = Object.hasOwn(this.#calls, request.call) ? this.#calls[request.call] : undefined;
      if (!call || typeof request.id !== 'number') throw new SidestepError('bad_request', line.slice(0, 100));
      try {
        say(socket, { id: request.id, result: await call(request.with) ?? null });
      } catch (error) {
        say(socket, { id: request.id, error: failureOf(error) });
      }
    } catch (error) {
      this.log.warn('somebody at the socket of the door does not speak its language', { error });
      socket.destroy();
    }
  }
}
