/** Compiles a driver when its source is newer than what was built. */
import { execFile } from 'node:child_process';
import { mkdirSync, renameSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = new URL('../../../', import.meta.url);
const folder = fileURLToPath(new URL('test/bench/build/', root));

const timeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;

/** Resolves to the path of the driver. */
export async function buildDriver(name: 'rtt' | 'connect' = 'rtt'): Promise<string> {
  const source = fileURLToPath(new URL(`test/bench/${name}.c`, root)), driver = `${folder}${name}`;
  if (timeOf(driver) >= timeOf(source)) return driver;
  mkdirSync(folder, { recursive: true });
  // Aside first: another run may be using the old one.
  const aside = `${driver}.${process.pid}`;
  await promisify(execFile)('cc', ['-O2', '-Wall', '-Wextra', '-o', aside, source]);
  renameSync(aside, driver);
  return driver;
}
