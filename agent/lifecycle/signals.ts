/** The first SIGINT or SIGTERM stops the agent in order, a later one at once. SIGHUP reloads the configuration. */
import { constants } from 'node:os';

type Listener = (argument: unknown) => void;

/** `process`, or an emitter that plays it. */
export interface SignalSource {
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

export interface SignalHandlers {
  onStop(signal: string): void;
  onReload(): void;
  /** An error that nobody caught: the state of the process is unknown. */
  onFatal(error: unknown): void;
  exit(code: number): void;
}

// One Ctrl-C can arrive twice: from the terminal, and again from npm, which passes on what it gets itself.
const sameKeystrokeMs = 500;

export function installSignals(
  source: SignalSource,
  handlers: SignalHandlers,
  now: () => number = () => performance.now(),
): () => void {
  let first: number | undefined;
  const stop = (signal: 'SIGINT' | 'SIGTERM') => (): void => {
    if (first === undefined) {
      first = now();
      handlers.onStop(signal);
    } else if (now() - first >= sameKeystrokeMs) {
      handlers.exit(128 + constants.signals[signal]);
    }
  };
  const fatal = (error: unknown): void => {
    handlers.onFatal(error);
    handlers.exit(1);
  };
  const listeners: [string, Listener][] = [
    ['SIGINT', stop('SIGINT')],
    ['SIGTERM', stop('SIGTERM')],
    ['SIGHUP', () => { handlers.onReload(); }],
    ['uncaughtException', fatal],
    ['unhandledRejection', fatal],
  ];
  for (const [event, listener] of listeners) source.on(event, listener);
  return () => {
    for (const [event, listener] of listeners) source.off(event, listener);
  };
}
