/** An agent as far as the embedded server goes: starts one, tells its number, and waits to be killed. */
import { EmbeddedServer, findServer } from '../../agent/bus/embedded.js';
import { keptLog } from './log.js';

const server = new EmbeddedServer(findServer() ?? '', process.argv[2] ?? '', 0, keptLog().log);
await server.start();
process.stdout.write(`${server.pid ?? 0}\n`);
setInterval(() => undefined, 60_000);
