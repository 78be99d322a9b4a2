/** From an error to an exit code and two lines: what (where), and what to do. */
import { ConfigError } from '../../config/load.js';
import { describeError, SidestepError } from '../errors.js';
import { EXIT, type Io } from './io.js';

export function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return EXIT.usage;
  if (!(error instanceof SidestepError)) return EXIT.problem;
  switch (error.code) {
    case 'agent_unreachable':
    case 'agent_forbidden':
      return EXIT.unreachable;
    case 'profiles_invalid':
    case 'bad_request':
    case 'config_invalid':
      return EXIT.usage;
    default:
      return EXIT.problem;
  }
}

/** Prints the error and returns the exit code. */
export function report(io: Io, error: unknown): number {
  if (error instanceof ConfigError) {
    io.stderr.write(`sidestep: ${error.message}\n`);
  } else {
    const { message, remedy } = describeError(error);
    io.stderr.write(`sidestep: ${message}\n  ${remedy}\n`);
  }
  return exitCodeOf(error);
}
