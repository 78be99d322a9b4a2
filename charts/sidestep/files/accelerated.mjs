// helm test: two ends in this pod exchange bytes, every byte is compared, and the agent is asked whether they stepped
// around the stack. Ends with 0 if they did.
import { createServer, connect } from 'node:net';
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const socketPath = process.env.SIDESTEP_SOCKET ?? '/run/sidestep/agent.sock';
const patience = 20_000;
const size = 1000;

async function ask(path) {
  const asked = request({ socketPath, path, timeout: 5000 }).end();
  const [response] = await once(asked, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode} ${text}`);
  return JSON.parse(text);
}

async function exchange(client, reader, round) {
  const sent = Buffer.alloc(size, round % 256);
  client.write(sent);
  let received = Buffer.alloc(0);
  while (received.length < size) {
    const { value, done } = await reader.next();
    if (done) throw new Error('the connection ended');
    received = Buffer.concat([received, value]);
  }
  if (!received.equals(sent)) throw new Error(`round ${round}: other bytes came back`);
}

const server = createServer((peer) => peer.pipe(peer)).listen(0, '127.0.0.1');
await once(server, 'listening');
const client = connect(server.address().port, '127.0.0.1');
await once(client, 'connect');
client.setNoDelay(true);
const reader = client[Symbol.asyncIterator]();

const mine = ({ client: { address, port } }) => address === '127.0.0.1' && port === client.localPort;
let last = 'the agent does not know this connection';
for (let round = 0, until = Date.now() + patience; Date.now() < until; round++) {
  await exchange(client, reader, round);
  const { pairs } = await ask('/v1/pairs');
  const pair = pairs.find(mine);
  if (pair) last = `state ${pair.state}, reason ${pair.reason}`;
  if (pair?.state === 'active' && pair.clientSent.redirectedBytes > 10 * size) {
    console.log(`accelerated: ${pair.clientSent.redirectedBytes} bytes of the client stepped around TCP, all ${(round + 1) * size} came back as sent`);
    process.exit(0);
  }
  await sleep(20);
}
console.error(`not accelerated within ${patience / 1000} s: ${last}. Ask the agent of this node: sidestep explain`);
process.exit(1);
