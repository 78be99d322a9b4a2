/** Active checks: when each is due, what its answers add up to, and how one is made. */
import { request } from 'node:http';
import { connect } from 'node:net';
import type { HealthConfig } from '../../config/service-types.js';

/** In a row, good ones positive and bad ones negative. Pure. */
export interface Streak {
  readonly up: boolean | undefined;
  readonly run: number;
}

export const unchecked: Streak = { up: undefined, run: 0 };

/** The first answer decides at once, so that a dead endpoint is not waited for; from then on rise and fall do. */
export function judge({ up, run }: Streak, good: boolean, { rise, fall }: HealthConfig): Streak {
  const next = good ? Math.max(1, run + 1) : Math.min(-1, run - 1);
  if (up === undefined) return { up: good, run: next };
  if (!up && next >= rise) return { up: true, run: next };
  if (up && -next >= fall) return { up: false, run: next };
  return { up, run: next };
}

export type Probe = (address: string, port: number, health: HealthConfig) => Promise<boolean>;

function tcp(address: string, port: number, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout });
    const end = (good: boolean): void => { socket.destroy(); resolve(good); };
    socket.once('connect', () => { end(true); });
    socket.once('timeout', () => { end(false); });
    socket.once('error', () => { end(false); });
  });
}

function http(address: string, port: number, { path, timeout }: HealthConfig): Promise<boolean> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeout);
    const sent = request({ host: address, port, path, agent: false, signal, headers: { 'user-agent': 'sidestep-health', connection: 'close' } }, (response) => {
      response.resume();
      resolve((response.statusCode ?? 0) >= 200 && (response.statusCode ?? 0) < 400);
      response.destroy();
    });
    sent.once('error', () => { resolve(false); });
    sent.end();
  });
}

export const probe: Probe = (address, port, health) => (health.type === 'http' ? http(address, port, health) : tcp(address, port, health.timeout));

export interface Target {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly health: HealthConfig;
}

const tickMs = 50;
const mostAtOnce = 64;

export class Checker {
  readonly #due = new Map<string, { target: Target; at: number; streak: Streak; running: boolean }>();
  #timer: NodeJS.Timeout | undefined;
  #running = 0;
  checks = 0;
  failed = 0;

  constructor(
    private readonly changed: (id: string, up: boolean) => void,
    private readonly run: Probe = probe,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** All that is to be checked from now on. */
  set(targets: readonly Target[]): void {
    const wanted = new Map(targets.map((target) => [target.id, target]));
    for (const id of this.#due.keys()) if (!wanted.has(id)) this.#due.delete(id);
    for (const [id, target] of wanted) {
      const known = this.#due.get(id);
      if (known) known.target = target;
      // Spread, so that ten thousand are not asked in one moment; the first answer should still come soon.
      else this.#due.set(id, { target, at: this.now() + Math.random() * Math.min(1000, target.health.interval), streak: unchecked, running: false });
    }
    if (this.#due.size > 0) this.#timer ??= setInterval(() => { this.#tick(); }, tickMs).unref();
    else this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const now = this.now();
    for (const [id, entry] of this.#due) {
      if (this.#running >= mostAtOnce) return;
      if (!entry.running && entry.at <= now) void this.#check(id, entry);
    }
  }

  async #check(id: string, entry: { target: Target; at: number; streak: Streak; running: boolean }): Promise<void> {
    entry.running = true;
    this.#running++;
    const { address, port, health } = entry.target;
    const good = await this.run(address, port, health).catch(() => false);
    this.#running--;
    entry.running = false;
    entry.at = this.now() + health.interval;
    this.checks++;
    this.failed += good ? 0 : 1;
    if (this.#due.get(id) !== entry) return;
    const before = entry.streak.up;
    entry.streak = judge(entry.streak, good, health);
    if (entry.streak.up !== before) this.changed(id, entry.streak.up ?? good);
  }
}
