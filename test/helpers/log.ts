/** A log that keeps its lines. */
import { createLog, type Log, type LogLevel } from '../../agent/log.js';

export interface Line {
  level: string;
  msg: string;
  component?: string;
  [field: string]: unknown;
}

export function keptLog(level: LogLevel = 'info'): { log: Log; lines: Line[] } {
  const lines: Line[] = [];
  const log = createLog({ level, format: 'json', write: (line) => { lines.push(JSON.parse(line) as Line); } });
  return { log, lines };
}
