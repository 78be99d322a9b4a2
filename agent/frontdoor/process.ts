/** The door process: listeners and connections of the front door, which go on while agents come and go. */
import { fileURLToPath } from 'node:url';
import { isJournal } from '../log-journal.js';
import { createLog, resolveFormat } from '../log.js';
import { version } from '../version.js';
import { buildOf } from './build.js';
import type { DoorOptions } from './host.js';
import { openThreads, shedPrivileges } from './native.js';
import { doorPath, PROTOCOL } from './protocol.js';
import { DoorServer } from './server.js';

const [text = ''] = process.argv.slice(2);
const { runDir, threads, handed, log: { level, format } } = JSON.parse(text) as DoorOptions;
shedPrivileges(fileURLToPath(import.meta.url), [text], handed.map(({ descriptor }) => descriptor));

// Whoever read its words may go before it does.
process.stderr.on('error', () => undefined);
const log = createLog({
  level,
  format: resolveFormat(format, false, isJournal(process.env)),
  write: (line) => { process.stderr.write(line); },
}).child('frontdoor');

const { pid } = process;
const server = new DoorServer(openThreads(threads), { door: 'sidestep', protocol: PROTOCOL, version, build: buildOf(), threads, pid }, log, handed);
process.on('SIGTERM', () => { void server.retire(); });
for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => undefined);
await server.listen(doorPath(runDir, pid));
// Nothing that goes wrong from here on is worth the connections of others.
process.on('uncaughtException', (error) => { log.error('an error that nobody caught', { error }); });
log.info('the door process is there', { pid, version, threads });
