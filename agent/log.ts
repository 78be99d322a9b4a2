/** One event per line. Rooms get a child that names them; the level is one for all and can change while it runs. */
import { pino, type Level } from 'pino';
import type { LogFormat } from '../config/types.js';
import { journalLine } from './log-journal.js';
import { prettyLine } from './log-pretty.js';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';
/** Each connection that goes well is a line; at other levels the kernel need not wake the agent for it. */
export const tellsAll = (level: LogLevel): boolean => level === 'debug' || level === 'trace';

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
  format: Exclude<LogFormat, 'auto'>;
  /** Takes one whole line, with its newline. */
  write: (line: string) => void;
  colour?: boolean;
}

/** `auto`: lines for people on a terminal, what journald likes where it listens, JSON elsewhere. */
export function resolveFormat(format: LogFormat, isTTY: boolean, isJournal = false): Exclude<LogFormat, 'auto'> {
  if (format !== 'auto') return format;
  return isTTY ? 'pretty' : isJournal ? 'journal' : 'json';
}

export function createLog(options: LogOptions): Log {
  const { write, colour = false } = options;
  const drawn = { pretty: (line: string) => prettyLine(line, colour), journal: journalLine, json: (line: string) => line }[options.format];
  const stream = { write: (line: string) => { write(drawn(line)); } };
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
