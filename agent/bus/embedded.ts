/**
 * A nats-server of this agent's own: on loopback, for nobody else (a key pair made for each run), with its own store. It
 * is started again when it dies, and ends with the agent, also when the agent is killed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nkeys } from 'nats';
import { SidestepError } from '../errors.js';
import type { Log } from '../log.js';

const program = 'nats-server';
const graceMs = 3000;
const slowestMs = 5000;

/** Where the program is; undefined when it is not installed. */
export function findServer(path = process.env['PATH'] ?? ''): string | undefined {
  for (const folder of [...path.split(':'), '/usr/sbin', '/usr/local/bin']) {
    const file = join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** The client hands its key library through without types. */
const newKeys = (): { getSeed(): Uint8Array; getPublicKey(): string } =>
  (nkeys as { createUser(): { getSeed(): Uint8Array; getPublicKey(): string } }).createUser();

export class EmbeddedServer {
  /** Of the key file that the client reads. */
  readonly seedFile: string;
  #child: ChildProcess | undefined;
  #port = 0;
  #stopping = false;
  #backoff = 100;
  restarts = 0;

  constructor(
    private readonly file: string,
    private readonly dir: string,
    private readonly wantedPort: number,
    private readonly log: Log,
  ) {
    this.seedFile = join(dir, 'agent.nk');
  }

  get url(): string { return `nats://127.0.0.1:${this.#port}`; }
  get pid(): number | undefined { return this.#child?.pid; }

  async start(): Promise<void> {
    try {
      mkdirSync(this.dir, { recursive: true, mode: 0o700 });
      this.#port = this.wantedPort === 0 ? await freePort() : this.wantedPort;
      this.#writeConfig();
    } catch (error) {
      throw new SidestepError('bus_server', this.dir, error);
    }
    this.#spawn();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const late = setTimeout(() => { child.kill('SIGKILL'); }, graceMs);
    await ended;
    clearTimeout(late);
  }

  #writeConfig(): void {
    const pair = newKeys();
    writeFileSync(this.seedFile, new TextDecoder().decode(pair.getSeed()), { mode: 0o600 });
    writeFileSync(join(this.dir, 'server.conf'), [
      `listen: "127.0.0.1:${this.#port}"`,
      'server_name: sidestep-embedded',
      `pid_file: "${join(this.dir, 'server.pid')}"`,
      `jetstream { store_dir: "${join(this.dir, 'store')}", max_memory_store: 64MB, max_file_store: 1GB }`,
      `authorization { users: [ { nkey: ${pair.getPublicKey()} } ] }`,
      '',
    ].join('\n'), { mode: 0o600 });
  }

  #spawn(): void {
    // The kernel ends it when the agent dies, however that happens.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', this.file, '-c', join(this.dir, 'server.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    const started = Date.now();
    let words = '';
    child.stderr.on('data', (chunk: Buffer) => { words = (words + chunk.toString()).slice(-2000); });
    child.on('error', (error) => { this.log.error('the embedded nats-server could not be started', { error }); });
    child.on('exit', (code, signal) => {
      if (this.#stopping) return;
      this.restarts++;
      this.#backoff = Date.now() - started > 10_000 ? 100 : Math.min(slowestMs, this.#backoff * 2);
      this.log.warn('the embedded nats-server ended; it is started again', { code: code ?? signal, words: words.trim().split('\n').at(-1) ?? '' });
      void sleep(this.#backoff, undefined, { ref: false }).then(() => { if (!this.#stopping) this.#spawn(); });
    });
    this.log.info('embedded nats-server started', { url: this.url, pid: child.pid ?? 0 });
  }
}
