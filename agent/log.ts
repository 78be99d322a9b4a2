/** One event per line. Rooms get a child that names them; the level is one for all and can change while it runs. */
import { pino, type Level } from 'pino';
import { prettyLine } from './log-pretty.js';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';
export const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];
export type Fields = Record<string, unknown>;

export interface Log {
  level: LogLevel;
  trace(message: string, fields?: Fields): void;
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  child(component: string): Log;
}

export interface LogOptions {
  level: LogLevel;
  format: 'json' | 'pretty';
  /** Takes one whole line, with its newline. */
  write: (line: string) => void;
  colour?: boolean;
}

/** `auto`: lines for people on a terminal, JSON elsewhere. */
export function resolveFormat(format: 'auto' | 'json' | 'pretty', isTTY: boolean): 'json' | 'pretty' {
  return format === 'auto' ? (isTTY ? 'pretty' : 'json') : format;
}

export function createLog(options: LogOptions): Log {
  const { write, colour = false } = options;
  const stream = { write: options.format === 'json' ? write : (line: string) => { write(prettyLine(line, colour)); } };
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    stream,
  );

  // A child of pino keeps the level it was born with; these share the root, so that one change reaches every room.
  const make = (component?: string): Log => {
    const at = (level: Level) => (message: string, fields?: Fields) => {
      root[level](component === undefined ? { ...fields } : { component, ...fields }, message);
    };
    return {
      get level() { return root.level as LogLevel; },
      set level(level) { root.level = level; },
      trace: at('trace'),
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: make,
    };
  };
  return make();
}
