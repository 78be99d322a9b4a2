/** A folder of its own for each test, gone afterwards. Short, because a socket path holds 108 bytes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'mocha';

const made: string[] = [];

export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ss-'));
  made.push(path);
  return path;
}

afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});
