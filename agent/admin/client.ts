/** The CLI's side of the admin API. */
import { request, type IncomingMessage } from 'node:http';
import { ERRORS, SidestepError, type ErrorCode } from '../errors.js';
import type {
  ChangedProfiles, ConfigObject, CountersObject, Edges, Endpoints, ErrorBody, Explained, ExportedProfiles, FrontDoorObject, ImportedProfiles, Pairs, PodsObject, Profiles, Reloaded,
  ReuseportObject, RetireLine, Rotated, ScopeObject, Services, Status, Uninstalling,
} from './objects.js';

function unreachable(path: string, error: NodeJS.ErrnoException): SidestepError {
  if (error.code === 'EACCES' || error.code === 'EPERM') return new SidestepError('agent_forbidden', path);
  const absent = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
  return new SidestepError('agent_unreachable', path, absent ? undefined : error);
}

/** An error that the agent told, as if it had happened here. */
function told({ error }: ErrorBody): SidestepError {
  const code: ErrorCode = error.code in ERRORS ? (error.code as ErrorCode) : 'internal';
  const { sentence } = ERRORS[code];
  const detail = error.message.startsWith(sentence) ? error.message.slice(sentence.length) : error.message;
  return new SidestepError(code, detail.replace(/^ \((.*)\)$/s, '$1'));
}

async function textOf(stream: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

export class AdminClient {
  constructor(
    private readonly path: string,
    private readonly timeoutMs = 10_000,
  ) {}

  status(): Promise<Status> { return this.#json('GET', '/v1/status'); }
  pairs(busiest?: number): Promise<Pairs> { return this.#json('GET', `/v1/pairs${busiest === undefined ? '' : `?busiest=${String(busiest)}`}`); }
  profiles(): Promise<Profiles> { return this.#json('GET', '/v1/profiles'); }
  exportProfiles(): Promise<ExportedProfiles> { return this.#json('GET', '/v1/profiles/export'); }
  importProfiles(file: string, text: string): Promise<ImportedProfiles> { return this.#json('POST', '/v1/profiles/import', { file, text }); }
  forgetProfiles(which: string): Promise<ChangedProfiles> { return this.#json('POST', '/v1/profiles/forget', { which }); }
  setProfiles(which: string, state: string, reason?: string): Promise<ChangedProfiles> {
    return this.#json('POST', '/v1/profiles/set', { which, state, ...(reason === undefined ? {} : { reason }) });
  }
  reuseport(): Promise<ReuseportObject> { return this.#json('GET', '/v1/reuseport'); }
  rotate(port: number): Promise<Rotated> { return this.#json('POST', '/v1/reuseport/rotate', { port }); }
  frontdoor(): Promise<FrontDoorObject> { return this.#json('GET', '/v1/frontdoor'); }
  drainDoor(name: string, draining: boolean): Promise<FrontDoorObject> { return this.#json('POST', '/v1/frontdoor/drain', { name, draining }); }
  edges(): Promise<Edges> { return this.#json('GET', '/v1/edges'); }
  counters(): Promise<CountersObject> { return this.#json('GET', '/v1/counters'); }
  pods(): Promise<PodsObject> { return this.#json('GET', '/v1/pods'); }
  services(): Promise<Services> { return this.#json('GET', '/v1/services'); }
  endpoints(service?: string): Promise<Endpoints> {
    return this.#json('GET', `/v1/endpoints${service === undefined ? '' : `?${new URLSearchParams({ service }).toString()}`}`);
  }
  changeEndpoint(change: { service: string; address: string; port: number; draining?: boolean; weight?: number }): Promise<Endpoints> {
    return this.#json('POST', '/v1/endpoint', change);
  }
  split(service: string, split: Readonly<Record<string, number>>): Promise<Services> { return this.#json('POST', '/v1/split', { service, split }); }
  config(): Promise<ConfigObject> { return this.#json('GET', '/v1/config'); }
  explain(query: string): Promise<Explained> {
    return this.#json('GET', `/v1/explain?${new URLSearchParams({ q: query }).toString()}`);
  }
  logLevel(level: string): Promise<unknown> { return this.#json('POST', '/v1/log-level', { level }); }
  scope(): Promise<ScopeObject> { return this.#json('GET', '/v1/scope'); }
  disable(selector?: string): Promise<ScopeObject> { return this.#json('POST', '/v1/disable', { selector }); }
  enable(selector?: string): Promise<ScopeObject> { return this.#json('POST', '/v1/enable', { selector }); }
  uninstall(): Promise<Uninstalling> { return this.#json('POST', '/v1/uninstall', {}); }
  reload(): Promise<Reloaded> { return this.#json('POST', '/v1/reload', {}); }

  /** Progress until the result. The agent may take as long as it was given, so no time limit of ours applies. */
  async *retire(body: { id?: string; timeoutMs?: number }): AsyncGenerator<RetireLine> {
    const response = await this.#send('POST', '/v1/retire', body, 0);
    if (response.statusCode !== 200) throw told(JSON.parse(await textOf(response)) as ErrorBody);
    let rest = '';
    for await (const chunk of response) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const read = JSON.parse(line) as RetireLine;
        if ('error' in read) throw told(read);
        yield read;
      }
    }
  }

  async #json<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.#send(method, path, body, this.timeoutMs);
    const text = await textOf(response).catch((error: unknown) => {
      throw unreachable(this.path, error as NodeJS.ErrnoException);
    });
    const value: unknown = JSON.parse(text);
    if (response.statusCode !== 200) throw told(value as ErrorBody);
    return value as T;
  }

  #send(method: string, path: string, body: object | undefined, timeoutMs: number): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = body ? { 'content-type': 'application/json' } : {};
      const sent = request({ socketPath: this.path, method, path, headers, agent: false }, resolve);
      sent.on('error', (error) => { reject(unreachable(this.path, error)); });
      if (timeoutMs > 0)
        sent.setTimeout(timeoutMs, () => {
          sent.destroy(new Error(`no answer within ${String(timeoutMs)} ms`));
        });
      sent.end(body && JSON.stringify(body));
    });
  }
}
