/** The list of services as a value among others: as JSON from the environment or a flag, as YAML from the file. */
import type { Format } from './formats.js';
import { readServices } from './services.js';
import type { ServiceConfig } from './service-types.js';

/** As it was written, to show it and to see whether it changed. */
const written = new WeakMap<readonly ServiceConfig[], string>();

export function remember(services: readonly ServiceConfig[], given: unknown): readonly ServiceConfig[] {
  written.set(services, JSON.stringify(given));
  return services;
}

function parse(text: string): readonly ServiceConfig[] | undefined {
  try {
    const given: unknown = JSON.parse(text);
    const { services, findings } = readServices(given);
    return findings.length === 0 ? remember(services, given) : undefined;
  } catch {
    return undefined;
  }
}

export const servicesFormat: Format = {
  read: parse,
  show: (value) => written.get(value as readonly ServiceConfig[]) ?? '[]',
  expected: () => 'a list of services; in the environment and in flags, as JSON',
};
