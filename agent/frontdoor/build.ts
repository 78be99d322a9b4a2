/** What a door process runs: the addon and the scripts of this folder. One that was built anew is another one, whatever its version says. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('./', import.meta.url);
const addon = new URL('../../../native/build/Release/sidestep.node', import.meta.url);

/** Of the files as they are now: asked by a door at its start, and by an agent that looks for one. */
export function buildOf(): string {
  const hash = createHash('sha256');
  const scripts = readdirSync(folder).filter((file) => file.endsWith('.js')).sort().map((file) => new URL(file, folder));
  for (const file of [addon, ...scripts]) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}
