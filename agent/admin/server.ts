/** HTTP and JSON over a unix socket. Its file permissions are the access control. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { describeError, SidestepError, type ErrorCode } from '../errors.js';
import { limitOf, readBody } from './input.js';
import { RetireEndpoint } from './retire.js';
import { getRoutes, postRoutes, type AgentView } from './routes.js';
import { listenAt, type SocketAccess } from './socket.js';

const statusCodes: Partial<Record<ErrorCode, number>> = {
  bad_request: 400,
  config_invalid: 400,
  not_found: 404,
  profiles_invalid: 400,
  retire_running: 409,
};

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

export class AdminServer {
  readonly #server: Server;
  readonly #retire = new RetireEndpoint();

  constructor(private readonly view: AgentView) {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => { this.#fail(response, error); });
    });
  }

  listen(path: string, access: SocketAccess): Promise<void> {
    return listenAt(this.#server, path, access);
  }

  /** Also removes the socket file. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => { this.#server.close(() => { resolve(); }); });
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [pathname = '/', search = ''] = (request.url ?? '/').split('?', 2);
    if (request.method === 'GET') {
      const route = Object.hasOwn(getRoutes, pathname) ? getRoutes[pathname] : undefined;
      if (!route) throw new SidestepError('not_found', `GET ${pathname}`);
      send(response, 200, await route(this.view, new URLSearchParams(search)));
      return;
    }
    if (request.method !== 'POST') throw new SidestepError('bad_request', `method ${request.method ?? ''}`);
    const body = await readBody(request, limitOf(pathname));
    if (pathname === '/v1/retire') {
      await this.#retire.answer(this.view, body, response);
      return;
    }
    const route = Object.hasOwn(postRoutes, pathname) ? postRoutes[pathname] : undefined;
    if (!route) throw new SidestepError('not_found', `POST ${pathname}`);
    send(response, 200, await route(this.view, body));
  }

  #fail(response: ServerResponse, error: unknown): void {
    // The caller has gone away; nobody is left to tell.
    if (response.destroyed) return;
    const code: ErrorCode = error instanceof SidestepError ? error.code : 'internal';
    if (code === 'internal') this.view.log.error('an admin request failed', { error });
    if (response.headersSent) return;
    send(response, statusCodes[code] ?? 500, { error: { code, ...describeError(error) } });
  }
}
