/** A JSON log line for journald: its priority in front, no time and no colour, because the journal has its own. */
import { fstatSync } from 'node:fs';
import { bodyOf } from './log-pretty.js';

/** RFC 5424; systemd's SyslogLevelPrefix= takes it off again. */
const priorities: Readonly<Record<string, number>> = { trace: 7, debug: 7, info: 6, warn: 4, error: 3 };

export function journalLine(json: string): string {
  const { level, ...body } = JSON.parse(json) as Record<string, unknown>;
  delete body['time'];
  const prefix = `<${priorities[String(level)] ?? 6}>`;
  // Each line of one that has several would be an entry of its own, and needs its priority too.
  return `${bodyOf(body, (name) => `${name}=`).split('\n').map((line) => prefix + line).join('\n')}\n`;
}

/** JOURNAL_STREAM names device and inode of what systemd connected; a redirection afterwards makes it untrue. */
export function isJournal(env: NodeJS.ProcessEnv, fd = 2): boolean {
  const [device, inode] = (env['JOURNAL_STREAM'] ?? '').split(':').map(Number);
  if (device === undefined || inode === undefined) return false;
  const there = fstatSync(fd);
  return there.dev === device && there.ino === inode;
}
