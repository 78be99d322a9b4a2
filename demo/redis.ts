/** redis-server and the benchmark that comes with it. */
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { lastWords, stop, type Child, type Commands } from './commands.js';
import { parseBenchmark, type Benchmark } from './csv.js';

const startMs = 10_000;
const stopMs = 5000;

const isInPath = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

export function requireRedis(): void {
  const missing = ['redis-server', 'redis-benchmark'].filter((program) => !isInPath(program));
  if (missing.length > 0) throw new Error(`${missing.join(' and ')} not installed; run: scripts/bootstrap test`);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export class RedisServer {
  readonly #child: Child;

  constructor(private readonly commands: Commands, group: string, folder: string, readonly port: number) {
    this.#child = commands.start(group, [
      'redis-server', '--save', '', '--appendonly', 'no', '--port', String(port), '--bind', '127.0.0.1', '--dir', folder,
    ]);
  }

  async ready(): Promise<void> {
    const words = lastWords(this.#child);
    const said = new Promise<void>((resolve) => {
      this.#child.stdout.on('data', () => { if (words().includes('Ready to accept connections')) resolve(); });
    });
    const late = AbortSignal.timeout(startMs);
    const failed = once(this.#child, 'exit', { signal: late }).catch(() => undefined)
      .then(() => { throw new Error(`redis-server did not start:\n${words()}`); });
    await Promise.race([said, failed]);
    failed.catch(() => undefined);
  }

  /** Fresh connections each time: whether one is accelerated is decided when it opens. */
  async benchmark(group: string, requests: number): Promise<Benchmark> {
    return parseBenchmark(await this.commands.run(group, [
      'redis-benchmark', '-h', '127.0.0.1', '-p', String(this.port), '-c', '50', '-P', '1', '-t', 'get,set',
      '-n', String(requests), '--csv',
    ]));
  }

  stop(): Promise<void> {
    return stop(this.#child, stopMs);
  }
}
