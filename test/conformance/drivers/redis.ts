// SPDX-License-Identifier: Apache-2.0
/** The client library of redis, against the server of the suite. */
import { createClient, RESP_TYPES } from '@redis/client';
import { digest, pattern, same, SIZES } from './bytes.js';
import { check, main, short } from './report.js';

const options = { socket: { host: '127.0.0.1', port: 6379 } };

async function open() {
  const client = createClient(options).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
type Client = Awaited<ReturnType<typeof open>>;

async function valueOf(client: Client, size: number): Promise<string> {
  await client.set(`size ${size}`, pattern(size));
  const got = await client.get(`size ${size}`) as Buffer;
  return same(got, pattern(size));
}

/** All sent before the first answer comes. */
async function pipeline(client: Client, count: number): Promise<string> {
  const keys = Array.from({ length: count }, (_, index) => `p${index}`);
  await Promise.all(keys.map((key, index) => client.set(key, pattern((index * 17) % 3000, key))));
  const got = await Promise.all(keys.map((key) => client.get(key)));
  return digest(Buffer.concat(got as Buffer[]));
}

async function transaction(client: Client): Promise<string> {
  let multi = client.multi();
  for (let step = 0; step < 200; step++) multi = multi.incrBy('sum', step) as unknown as typeof multi;
  const answers = await multi.exec() as unknown as number[];
  return `${answers.length} answers, the last ${answers.at(-1)}`;
}

/** Somebody else writes between WATCH and EXEC. */
async function conflict(client: Client, other: Client): Promise<string> {
  await client.watch('sum');
  await other.set('sum', '1');
  return client.multi().incr('sum').exec().then(() => 'went through', (error: unknown) => (error as Error).constructor.name);
}

async function published(count: number): Promise<string> {
  const [reader, writer] = [await open(), await open()];
  const heard: Buffer[] = [];
  const done = new Promise<void>((resolve) => {
    void reader.subscribe('news', (message) => { if (heard.push(message) === count) resolve(); }, true);
  });
  while (Number((await writer.pubSubNumSub('news'))['news']) === 0);
  for (let at = 0; at < count; at += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => writer.publish('news', pattern((at + index) % 1500, String(at + index)))));
  }
  await done;
  reader.destroy();
  await writer.close();
  return digest(Buffer.concat(heard));
}

async function handedOn(count: number): Promise<string> {
  const [giver, taker] = [await open(), await open()];
  const got: Buffer[] = [];
  for (let turn = 0; turn < count; turn++) {
    const next = taker.blPop('queue', 5);
    await giver.rPush('queue', pattern(100, String(turn)));
    got.push((await next)!.element);
  }
  await Promise.all([giver.close(), taker.close()]);
  return digest(Buffer.concat(got));
}

async function ask(): Promise<void> {
  const client = await open();
  for (const size of SIZES) await check(`SET and GET of ${size}`, () => valueOf(client, size));
  await check('a pipeline', () => pipeline(client, short ? 1000 : 10_000));
  await check('MULTI and EXEC', () => transaction(client));
  await check('WATCH and a conflict', async () => conflict(client, await open()));
  await check('messages in order', () => published(short ? 1000 : 10_000));
  await check('BLPOP from hand to hand', () => handedOn(short ? 200 : 2000));
  await check('50 clients in turn', async () => {
    for (let turn = 0; turn < 50; turn++) {
      const one = await open();
      await valueOf(one, turn * 100);
      await one.close();
    }
    return '50 whole';
  });
  await check('50 clients at once', async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, open));
    await Promise.all(clients.map((one, index) => valueOf(one, 1000 + index)));
    await Promise.all(clients.map((one) => one.close()));
    return '50 whole';
  });
  await check('a client that is killed', async () => {
    const victim = await open();
    const id = await victim.clientId();
    const ended = new Promise<string>((resolve) => victim.once('error', (error: Error) => resolve(error.constructor.name)));
    await client.sendCommand(['CLIENT', 'KILL', 'ID', String(id)]);
    const said = await ended;
    victim.destroy();
    return said;
  });
}

await main(() => undefined, ask);
