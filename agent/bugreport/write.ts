/** The report on disk, for its owner's eyes. What is there already is never overwritten. */
import { mkdirSync, mkdtempSync, openSync, rmSync, closeSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { create } from 'tar';
import { SidestepError } from '../errors.js';
import type { Report } from './gather.js';

/** A directory that does not exist yet. */
export function writeDirectory({ files }: Report, directory: string): void {
  taken(directory, () => mkdirSync(directory, { mode: 0o700 }));
  for (const [file, text] of files) {
    mkdirSync(dirname(join(directory, file)), { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, file), text, { mode: 0o600 });
  }
}

/** In the archive everything lies in one directory of this name. */
export async function writeArchive(report: Report, file: string, name: string): Promise<void> {
  // Claimed first: a name that is taken, or a directory that is not there, is found out before the work.
  taken(file, () => { closeSync(openSync(file, 'wx', 0o600)); });
  const work = mkdtempSync(join(tmpdir(), 'sidestep-bugreport-'));
  try {
    writeDirectory(report, join(work, name));
    await create({ cwd: work, file, gzip: true, portable: true }, [name]);
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function taken(path: string, make: () => unknown): void {
  try {
    make();
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw isThere ? new SidestepError('bad_request', `${path} is there already; name another`) : new SidestepError('bad_request', `${path} cannot be written`, error);
  }
}
