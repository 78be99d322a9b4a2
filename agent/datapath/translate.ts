/** What the addon throws, as an error of the agent: the same words, one class. */
import { ERRORS, SidestepError, type ErrorCode } from '../errors.js';
import type { NativeError } from '../../native/index.js';

/** Codes of the addon that are not codes of the agent. */
const OTHER_NAMES: Readonly<Record<string, ErrorCode>> = {
  locked: 'agent_running',
  lock_failed: 'kernel_refused',
  lock_moved: 'kernel_refused',
  notify_failed: 'internal',
  attach_failed: 'kernel_refused',
  pin_failed: 'kernel_refused',
  layout_mismatch: 'load_failed',
};

function isNative(error: unknown): error is NativeError {
  return error instanceof Error && 'code' in error && 'operation' in error;
}

export function translate(error: unknown): unknown {
  if (!isNative(error)) return error;
  const code = OTHER_NAMES[error.code] ?? (error.code in ERRORS ? (error.code as ErrorCode) : 'kernel_refused');
  const likely = error.reason === '' ? '' : `; likely ${error.reason}`;
  return new SidestepError(code, '', new Error(error.message + likely, { cause: error }));
}

/** The verifier's words, for whoever asks for them (log.level debug); '' when it said nothing. */
export function verifierLog(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (isNative(at)) return at.log;
  }
  return '';
}

export function translated<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw translate(error);
  }
}
