// Talks to a redis at HOST all the time, on connections that stay and on new ones; every answer is compared. Once in a second it
// says how many requests and connections there have been, and how many errors.
import { connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const host = process.env.HOST, port = 6379;
const counts = { requests: 0, connections: 0, errors: 0, last: '' };

async function ask(client, reader, words, wanted) {
  client.write(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`);
  let got = '';
  while (got.length < wanted.length) {
    const { value, done } = await reader.next();
    if (done) throw new Error('the server ended the connection');
    got += value.toString();
  }
  if (got !== wanted) throw new Error(`asked ${words[0]}, and got ${got.slice(0, 100)}`);
  counts.requests++;
}

async function talk(name, requests) {
  const client = connect(port, host);
  client.setTimeout(5000, () => client.destroy(new Error('no answer for five seconds')));
  await once(client, 'connect');
  client.setNoDelay(true);
  counts.connections++;
  const reader = client[Symbol.asyncIterator]();
  for (let request = 0; request < requests; request++) {
    const value = `${name}-${request}-`.padEnd(1 + request * 7 % 3000, 'x');
    await ask(client, reader, ['SET', name, value], '+OK\r\n');
    await ask(client, reader, ['GET', name], `$${value.length}\r\n${value}\r\n`);
    await sleep(2);
  }
  client.destroy();
}

async function forever(name, requests) {
  for (;;) {
    try {
      await talk(name, requests);
    } catch (error) {
      counts.errors++;
      counts.last = error.message;
      await sleep(100);
    }
  }
}

// Until the Service has its endpoint.
for (let answered = false; !answered; await sleep(100)) {
  const probe = connect(port, host);
  answered = await Promise.race([once(probe, 'connect').then(() => true), once(probe, 'close').then(() => false)]).catch(() => false);
  probe.destroy();
}
for (let number = 0; number < 3; number++) forever(`${process.env.HOSTNAME}-stays-${number}`, Infinity);
forever(`${process.env.HOSTNAME}-new`, 50);
setInterval(() => console.log(JSON.stringify(counts)), 1000);
