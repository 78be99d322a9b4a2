import { SidestepError } from '../../errors.js';
import type { ReadFlags, Run } from '../context.js';
import { EXIT, paintOf, printJson, printLines, widthOf } from '../io.js';
import { renderEndpoints, renderServices } from '../render/services.js';

export const services = (flags: ReadFlags): Run => async (context) => {
  const answer = await context.client().services();
  if (flags.output === 'json') printJson(context.io, answer);
  else printLines(context.io, renderServices(answer.services, widthOf(context.io), paintOf(context.io)));
  return answer.services.every(({ up, desperate }) => up > 0 && !desperate) ? EXIT.good : EXIT.problem;
};

export const endpoints = (service: string | undefined, flags: ReadFlags): Run => async (context) => {
  const answer = await context.client().endpoints(service);
  if (flags.output === 'json') printJson(context.io, answer);
  else printLines(context.io, renderEndpoints(answer.endpoints, widthOf(context.io), paintOf(context.io)));
  return EXIT.good;
};

/** `10.0.0.7:8080`, `[fd00::7]:8080`. */
export function readEndpoint(text: string): { address: string; port: number } {
  const [, six, four, port = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = six ?? four;
  if (address === undefined) throw new SidestepError('bad_request', `${text} is no endpoint; write it as address:port or [address]:port`);
  return { address, port: Number(port) };
}

export const drain = (service: string, endpoint: string, { undo }: { undo?: boolean }): Run => async (context) => {
  const draining = undo !== true;
  const { endpoints: changed } = await context.client().changeEndpoint({ service, ...readEndpoint(endpoint), draining });
  const open = changed.reduce((sum, { load }) => sum + load.active + load.connecting, 0);
  printLines(context.io, [draining ? `${endpoint} takes no new connections; ${open} from this host are still open` : `${endpoint} takes connections again`]);
  return EXIT.good;
};

export const weigh = (service: string, endpoint: string, weight: number): Run => async (context) => {
  await context.client().changeEndpoint({ service, ...readEndpoint(endpoint), weight });
  printLines(context.io, [`${endpoint} has weight ${weight} now, until the agent restarts`]);
  return EXIT.good;
};

/** `v1=90 v2=10`; nothing: by weight alone. */
export const split = (service: string, shares: readonly string[]): Run => async (context) => {
  const read = Object.fromEntries(shares.map((text) => {
    const [, version, share] = /^([A-Za-z0-9_-]+)=(\d{1,7})$/.exec(text) ?? [];
    if (version === undefined) throw new SidestepError('bad_request', `${text} is no share; write it as version=number`);
    return [version, Number(share)];
  }));
  await context.client().split(service, read);
  printLines(context.io, [shares.length === 0 ? `${service} goes by weight alone now` : `${service} is split ${shares.join(' ')} now, until its configuration changes`]);
  return EXIT.good;
};
