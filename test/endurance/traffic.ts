// SPDX-License-Identifier: Apache-2.0
/** The traffic: servers, and clients that talk to them, each a process that may be killed and started again. */
import { Program } from '../helpers/program.js';
import { explain, now, type Absence, type Seen, type Totals, type Trouble } from './record.js';

export interface Place {
  readonly program: string;
  readonly cgroup: string;
  readonly netns: string;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

type Line = ({ event: 'totals' } & Totals) | ({ event: 'trouble' } & Trouble) | { event: 'listening' };

let processes = 0;

const noTotals = (): Totals => ({ bytes: 0, opened: 0, done: {} });

function add(sum: Totals, more: Totals): void {
  sum.bytes += more.bytes;
  sum.opened += more.opened;
  for (const [shape, count] of Object.entries(more.done)) sum.done[shape] = (sum.done[shape] ?? 0) + count;
}

/** One role that a process plays; whoever is killed is followed by another. */
abstract class Player {
  /** Of the processes that have ended, and of the one that runs. */
  readonly #before = noTotals();
  #latest = noTotals();
  readonly absences: Absence[] = [];
  readonly troubles: { trouble: Trouble; teller: string }[] = [];
  readonly fallen: string[] = [];
  protected number = 0;
  #program: Program | undefined;
  #reading: Promise<void> = Promise.resolve();
  #asked = false;

  constructor(
    readonly name: string,
    readonly place: Place,
  ) {}

  get totals(): Totals {
    const sum = noTotals();
    add(sum, this.#before);
    add(sum, this.#latest);
    return sum;
  }

  protected abstract arguments(): string[];

  start(): void {
    this.number = ++processes;
    this.#asked = false;
    this.#program = new Program([this.place.program, ...this.arguments()], { cgroup: this.place.cgroup, netns: this.place.netns });
    this.#reading = this.#read(this.#program, `${this.name} #${this.number}`);
  }

  /** SIGKILL, and `awayMs` later a new one. */
  async replace(wait: () => Promise<void>): Promise<void> {
    const absence = { process: this.number, from: now(), to: Infinity };
    this.absences.push(absence);
    await this.kill();
    await wait();
    this.start();
    await this.ready();
    absence.to = now();
  }

  async kill(): Promise<void> {
    this.#asked = true;
    await this.#program?.kill();
    await this.#reading;
  }

  /** Lets it finish what it does. Resolves to whether it did in time. */
  async stop(withinMs: number): Promise<boolean> {
    this.#asked = true;
    this.#program?.child.stdin?.end();
    const timer = setTimeout(() => { this.#program?.child.kill('SIGKILL'); }, withinMs);
    await this.#reading;
    clearTimeout(timer);
    return (await this.#program?.lastWords())?.startsWith('0') ?? false;
  }

  protected ready(): Promise<void> { return Promise.resolve(); }
  /** For those who wait for something. */
  protected heard?(line: Line): void;

  async #read(program: Program, teller: string): Promise<void> {
    for (let text = await program.line(); text !== undefined; text = await program.line()) {
      const line = JSON.parse(text) as Line;
      if (line.event === 'totals') this.#latest = line;
      else if (line.event === 'trouble') this.troubles.push({ trouble: line, teller });
      this.heard?.(line);
    }
    add(this.#before, this.#latest);
    this.#latest = noTotals();
    if (!this.#asked) this.fallen.push(`${teller} ended by itself: ${await program.lastWords()}`);
  }
}

export class Server extends Player {
  #listening = (): void => undefined;
  #ready = Promise.resolve();

  constructor(name: string, place: Place, readonly address: Address) {
    super(name, place);
  }

  override start(): void {
    this.#ready = new Promise((resolve) => { this.#listening = resolve; });
    super.start();
  }

  protected override arguments(): string[] { return ['server', this.address.host, String(this.address.port)]; }
  override ready(): Promise<void> { return this.#ready; }
  protected override heard({ event }: Line): void { if (event === 'listening') this.#listening(); }
}

export interface Load {
  connections: number;
  chats: number;
  /** Connections, of all, that send much in large pieces. */
  bulks: number;
  bytesPerSecond: number;
  /** Brief connections that are opened each second, beside the others. */
  briefs: number;
  seed: number;
}

export class Client extends Player {
  constructor(name: string, place: Place, readonly server: Server, readonly to: Address, readonly load: Load) {
    super(name, place);
  }

  protected override arguments(): string[] {
    const { connections, chats, bulks, bytesPerSecond, briefs, seed } = this.load;
    return ['client', this.to.host, String(this.to.port), ...[connections, chats, bulks, bytesPerSecond, this.number, seed + this.number, briefs].map(String)];
  }
}

export class Traffic {
  readonly servers: Server[] = [];
  readonly clients: Client[] = [];

  get players(): Player[] { return [...this.servers, ...this.clients]; }

  addServer(name: string, place: Place, address: Address): Server {
    const server = new Server(`server ${name}`, place, address);
    this.servers.push(server);
    return server;
  }

  addClient(name: string, place: Place, server: Server, to: Address, load: Load): Client {
    const client = new Client(`client ${name}`, place, server, to, load);
    this.clients.push(client);
    return client;
  }

  async start(): Promise<void> {
    for (const server of this.servers) server.start();
    for (const server of this.servers) await server.ready();
    for (const client of this.clients) client.start();
  }

  /** The clients finish their connections, then the servers go. */
  async stop(withinMs: number): Promise<void> {
    const stopOne = async (player: Player): Promise<void> => {
      if (!(await player.stop(withinMs))) player.fallen.push(`${player.name} did not finish within ${withinMs / 1000} s`);
    };
    await Promise.all(this.clients.map(stopOne));
    await Promise.all(this.servers.map(stopOne));
  }

  seen(): Seen[] {
    const atClients = this.clients.flatMap((client) => client.troubles.map((told) => ({ ...told, because: explain({ ...told.trouble, seed: '0' }, client.server.absences) })));
    const atServers = this.servers.flatMap((server) => {
      const absences = this.clients.filter((client) => client.server === server).flatMap((client) => client.absences);
      return server.troubles.map((told) => ({ ...told, because: explain(told.trouble, absences) }));
    });
    return [...atClients, ...atServers];
  }

  totals(): Totals {
    const sum = noTotals();
    for (const { totals } of this.players) add(sum, totals);
    return sum;
  }
}
