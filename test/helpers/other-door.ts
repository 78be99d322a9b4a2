/** A door process of another version and protocol: other-door.js <run directory> <JSON of port and backend>. */
import { createLog } from '../../agent/log.js';
import { RemoteDoors } from '../../agent/frontdoor/client.js';
import { openThreads } from '../../agent/frontdoor/native.js';
import { doorPath, PROTOCOL } from '../../agent/frontdoor/protocol.js';
import { DoorServer } from '../../agent/frontdoor/server.js';
import { doorConfig } from './door-config.js';

const [runDir = '', text = ''] = process.argv.slice(2);
const { port, backend } = JSON.parse(text) as { port: number; backend: number };
const { pid } = process;
// More than the agent's: one of its threads gets several sockets of a listener.
const threads = 3;
const log = createLog({ level: 'info', format: 'json', write: (line) => { process.stderr.write(line); } });
const server = new DoorServer(openThreads(threads), { door: 'sidestep', protocol: PROTOCOL + 1, version: '99.0.0', build: '', threads, pid }, log);
await server.listen(doorPath(runDir, pid));
const agent = await RemoteDoors.reach(doorPath(runDir, pid));
await agent.open(doorConfig({ port, drainTimeout: 4000 }), [{ address: '127.0.0.1', port: backend, weight: 100 }]);
agent.release();
console.log(JSON.stringify({ pid }));
