/** What `sidestep check` runs. A provider answers for one group; it changes nothing on the host. */
import type { Config } from '../../config/load.js';
import type { Host } from './host.js';

/** `info`: neither good nor bad, such as something that is lacking and not needed. */
export type CheckResult = 'pass' | 'info' | 'warn' | 'fail';

export interface Check {
  readonly group: string;
  readonly name: string;
  readonly result: CheckResult;
  /** What was seen. */
  readonly detail: string;
  /** What to do; '' when nothing is to be done. */
  readonly remedy: string;
}

export interface CheckContext {
  readonly config: Config;
  readonly host: Host;
}

export interface CheckProvider {
  readonly group: string;
  run(context: CheckContext): Check[] | Promise<Check[]>;
}

type Verdict = Omit<Check, 'group' | 'name'>;

export const pass = (detail: string): Verdict => ({ result: 'pass', detail, remedy: '' });
export const info = (detail: string): Verdict => ({ result: 'info', detail, remedy: '' });
export const warn = (detail: string, remedy: string): Verdict => ({ result: 'warn', detail, remedy });
export const fail = (detail: string, remedy: string): Verdict => ({ result: 'fail', detail, remedy });
