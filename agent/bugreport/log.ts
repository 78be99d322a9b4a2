/** The last lines of the log: of a file that was named, otherwise of journald. */
import { execFile } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);
const mostBytes = 4 * 1024 * 1024;

export function lastOf(text: string, lines: number): string {
  const all = text.replace(/\n$/, '').split('\n');
  return `${all.slice(-lines).join('\n')}\n`;
}

/** Its end only: a log may be larger than the memory. */
function endOf(file: string): string {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const from = Math.max(0, size - mostBytes);
    const buffer = Buffer.alloc(Math.min(size, mostBytes));
    const read = readSync(fd, buffer, 0, buffer.length, from);
    const text = buffer.toString('utf8', 0, read);
    // The first line is cut in two.
    return from === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    closeSync(fd);
  }
}

async function journal(lines: number): Promise<string> {
  const args = ['--unit', 'sidestep', '--lines', String(lines), '--output', 'short-iso-precise', '--no-hostname', '--no-pager', '--quiet'];
  try {
    const { stdout } = await run('journalctl', args, { timeout: 20_000, maxBuffer: 16 * mostBytes });
    return stdout;
  } catch (error) {
    const { code } = error as { code?: unknown };
    throw code === 'ENOENT' ? new Error('there is no journalctl here; name the file of the log with --log', { cause: error }) : error;
  }
}

export async function lastLines(file: string | undefined, lines: number): Promise<string> {
  const text = file === undefined ? await journal(lines) : endOf(file);
  if (text === '') throw new Error(file === undefined ? 'journald has no lines of the unit sidestep; name the file of the log with --log' : `${file} is empty`);
  return lastOf(text, lines);
}
