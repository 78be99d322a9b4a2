/** The web view of one agent. Without its port the agent serves on, and says so. */
import ipaddr from 'ipaddr.js';
import type { Config } from '../../config/load.js';
import type { WebState } from '../admin/objects.js';
import type { AgentView } from '../admin/routes.js';
import { describeError } from '../errors.js';
import type { Log } from '../log.js';
import { readPage } from './files.js';
import { WebServer } from './server.js';
import { Viewer } from './view.js';

/** By the address that was bound, as a name may lead anywhere. */
export const isExposed = (address: string): boolean => ipaddr.process(address).range() !== 'loopback';

export class WebEndpoint {
  state: WebState = { state: 'disabled', detail: '', exposed: false };
  #server: WebServer | undefined;

  constructor(private readonly config: Config['web']) {}

  async start(view: AgentView, log: Log): Promise<void> {
    const { enabled, host, port, rows } = this.config;
    if (!enabled) return;
    try {
      const server = new WebServer(readPage(), new Viewer(view, rows, () => this.state.exposed), log);
      const bound = await server.listen(host, port);
      this.#server = server;
      const exposed = isExposed(bound.address);
      const url = `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}/`;
      this.state = { state: 'serving', detail: url, exposed };
      if (exposed) log.warn('the web view is open to other hosts, without login', { url, remedy: 'Set web.host to 127.0.0.1 unless a firewall or a proxy with login stands before it.' });
      else log.info('serving the web view', { url });
    } catch (error) {
      const { message, remedy } = describeError(error);
      this.state = { state: 'failed', detail: message, exposed: false };
      log.error('the agent goes on without the web view', { because: message, remedy });
    }
  }

  async stop(): Promise<void> {
    await this.#server?.close();
  }
}
