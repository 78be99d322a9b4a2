/** /metrics, /healthz and /readyz. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SidestepError, wordsOf } from '../errors.js';
import { withPort } from '../with-port.js';
import type { Scraper } from './scrape.js';

export interface HttpSource {
  readonly scraper: Scraper;
  /** '' when ready. */
  notReady(): string;
}


export class MetricsServer {
  readonly #server: Server;

  constructor(private readonly source: HttpSource) {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        this.#send(response, 500, 'text/plain', `${wordsOf(error)}\n`);
      });
    });
  }

  /** The address in use, which differs from the wanted one when the port is 0. */
  listen(host: string, port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'EADDRINUSE' ? new SidestepError('port_in_use', withPort(host, port)) : error);
      });
      this.#server.listen(port, host, () => {
        const bound = this.#server.address() as AddressInfo;
        resolve(withPort(bound.address, bound.port));
      });
    });
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => { this.#server.close(() => { resolve(); }); });
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [pathname] = (request.url ?? '/').split('?', 1);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      this.#send(response, 405, 'text/plain', 'only GET and HEAD\n');
      return;
    }
    switch (pathname) {
      case '/metrics': {
        const { contentType, text } = await this.source.scraper.scrape(request.headers.accept ?? '');
        this.#send(response, 200, contentType, text);
        return;
      }
      case '/healthz':
        this.#send(response, 200, 'text/plain', 'ok\n');
        return;
      case '/readyz': {
        const why = this.source.notReady();
        this.#send(response, why === '' ? 200 : 503, 'text/plain', why === '' ? 'ready\n' : `not ready: ${why}\n`);
        return;
      }
      default:
        this.#send(response, 404, 'text/plain', 'here are /metrics, /healthz and /readyz\n');
    }
  }

  #send(response: ServerResponse, status: number, type: string, text: string): void {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(text);
  }
}
