/** Where endpoints come from, besides the bus. */
import type { ServiceConfig } from '../../../config/service-types.js';
import type { EndpointRecord } from '../types.js';

/**
 * What a source says counts in one step: all that it knows of the parts that it names, and nothing new of the others. Names of
 * parts are its own affair. `services`: all that it brings, where they have changed.
 */
export type Report = (parts: ReadonlyMap<string, readonly EndpointRecord[]>, services?: readonly ServiceConfig[]) => void;

export interface Source {
  readonly name: string;
  /** Also what other hosts may hear of: `local` endpoints are this host's to answer for, `config` ones everybody knows. */
  readonly origin: 'config' | 'local';
  /** Services come from it as well: until it has spoken, nobody knows which there are. */
  readonly brings?: boolean;
  /** Reports everything that it knows once it knows it, and then each change. */
  start(report: Report): void;
  stop(): void;
}
