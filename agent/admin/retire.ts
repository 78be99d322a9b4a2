/** POST /v1/retire: progress as JSON lines while pairs leave the map, the result as the last one. */
import type { ServerResponse } from 'node:http';
import { describeError, SidestepError } from '../errors.js';
import { API_VERSION, type RetireLine } from './objects.js';
import { readRetire } from './input.js';
import type { AgentView } from './routes.js';

type Line = RetireLine extends infer T ? (T extends unknown ? Omit<T, 'apiVersion'> : never) : never;

export class RetireEndpoint {
  #running = false;

  async answer(view: AgentView, body: Record<string, unknown>, response: ServerResponse): Promise<void> {
    const options = readRetire(body, view.retireTimeoutMs);
    if (options.id !== undefined && !view.datapath.pairs().some(({ id }) => id === options.id))
      throw new SidestepError('not_found', `pair ${options.id}`);
    if (this.#running) throw new SidestepError('retire_running');
    this.#running = true;
    // A caller that goes away does not stop it: half-retired pairs would help nobody.
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const write = (line: Line): void => { response.write(`${JSON.stringify({ apiVersion: API_VERSION, ...line })}\n`); };
    try {
      view.log.info('retiring', { pairs: options.id ?? 'all' });
      const result = await view.datapath.retire({ ...options, onProgress: (progress) => { write({ progress }); } });
      view.log.info('retired', { ...result });
      write({ result });
    } catch (error) {
      view.log.error('could not retire', { error });
      write({ error: { code: error instanceof SidestepError ? error.code : 'internal', ...describeError(error) } });
    } finally {
      this.#running = false;
      response.end();
    }
  }
}
