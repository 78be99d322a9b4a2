/** The page and its one object over HTTP. Read-only: there is nothing here that changes anything. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeError, SidestepError } from '../errors.js';
import type { Log } from '../log.js';
import { withPort } from '../with-port.js';
import type { File } from './files.js';
import { HEADERS, refusalOf } from './guard.js';
import type { Viewer } from './view.js';

const text = 'text/plain; charset=utf-8';
const longestQuery = 200;
const mostConnections = 64;
/** Between two lines of the log about requests that failed. */
const quietMs = 60_000;

export class WebServer {
  readonly #server: Server;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly files: ReadonlyMap<string, File>,
    private readonly viewer: Pick<Viewer, 'look'>,
    private readonly log: Log,
  ) {
    this.#server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 8192 }, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        this.#tell(error);
        this.#json(response, 500, { error: { code: error instanceof SidestepError ? error.code : 'internal', ...describeError(error) } });
      });
    });
    this.#server.maxConnections = mostConnections;
  }

  /** A page asks every two seconds, and anybody of this host as often as they like: the log must not grow with it. */
  #tell(error: unknown): void {
    const now = performance.now();
    if (now - this.#toldAt < quietMs) return;
    this.#toldAt = now;
    this.log.warn('the web view could not be answered; the same is not told again for a while', { error });
  }

  /** The address in use, which differs from the wanted one when the port is 0. */
  listen(host: string, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'EADDRINUSE' ? new SidestepError('web_port_in_use', withPort(host, port)) : error);
      });
      this.#server.listen(port, host, () => resolve(this.#server.address() as AddressInfo));
    });
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => { this.#server.close(() => resolve()); });
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refusalOf(request.method, request.headers);
    if (refusal) {
      if (refusal.status === 405) response.setHeader('allow', 'GET');
      this.#send(response, refusal.status, text, `${refusal.why}\n`);
      return;
    }
    const [path = '/', search = ''] = (request.url ?? '/').split('?', 2);
    if (path === '/v1/view') {
      const query = new URLSearchParams(search).get('q') ?? '';
      if (query.length > longestQuery) this.#send(response, 400, text, `q has at most ${longestQuery} characters\n`);
      else this.#json(response, 200, await this.viewer.look(query));
      return;
    }
    const file = this.files.get(path);
    if (file) this.#send(response, 200, file.type, file.body);
    else this.#send(response, 404, text, 'here are / and /v1/view\n');
  }

  #json(response: ServerResponse, status: number, body: object): void {
    this.#send(response, status, 'application/json', `${JSON.stringify(body)}\n`);
  }

  #send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
    response.writeHead(status, { ...HEADERS, 'content-type': type });
    response.end(body);
  }
}
