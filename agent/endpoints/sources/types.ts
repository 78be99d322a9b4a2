/** Where endpoints come from, besides the bus. Kubernetes will be one more of these. */
import type { EndpointRecord } from '../types.js';

export interface Source {
  readonly name: string;
  /** Also what other hosts may hear of: `local` endpoints are this host's to answer for, `config` ones are in every file. */
  readonly origin: 'config' | 'local';
  /** Reports everything that it knows, at once and after each change. */
  start(report: (records: readonly EndpointRecord[]) => void): void;
  stop(): void;
}
