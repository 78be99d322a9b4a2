/** The metrics of one agent, from the kernel to the HTTP port. Without a port the agent serves on, and says so. */
import type { Config } from '../../config/load.js';
import type { MetricsState } from '../admin/objects.js';
import { describeError } from '../errors.js';
import { Collector, type CollectorSource } from './collector.js';
import { MetricsServer } from './http.js';
import { Scraper } from './scrape.js';

export class MetricsEndpoint {
  state: MetricsState = { state: 'disabled', detail: '' };
  #server: MetricsServer | undefined;

  constructor(private readonly config: Config['metrics']) {}

  /** A port that cannot be had costs the metrics, never the connections of the host. */
  async start(source: CollectorSource, notReady: () => string): Promise<void> {
    if (!this.config.enabled) return;
    const server = new MetricsServer({ scraper: new Scraper(new Collector(source)), notReady });
    try {
      const address = await server.listen(this.config.host, this.config.port);
      this.#server = server;
      this.state = { state: 'serving', detail: `http://${address}/metrics` };
      source.log.info('serving metrics', { url: this.state.detail });
    } catch (error) {
      const { message, remedy } = describeError(error);
      this.state = { state: 'failed', detail: message };
      source.log.error('the agent goes on without metrics', { because: message, remedy });
    }
  }

  async stop(): Promise<void> {
    await this.#server?.close();
  }
}
