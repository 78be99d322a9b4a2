// SPDX-License-Identifier: Apache-2.0
/** The client library of NATS, against a server with JetStream on 4222, and two in a cluster on 4223 and 4224. */
import { connect, consumerOpts, headers, type NatsConnection } from 'nats';
import { digest, pattern, same } from './bytes.js';
import { check, main, short } from './report.js';

const SIZES = [0, 1, 100, 10_000, 65_536, 300_000, 1_000_000];
const open = (port = 4222): Promise<NatsConnection> => connect({ servers: `127.0.0.1:${port}`, reconnect: false });
const messages = (count: number): Buffer[] => Array.from({ length: count }, (_, index) => pattern((index * 29) % 3000, String(index)));

/** Published here, heard there, in order. */
async function published(from: NatsConnection, to: NatsConnection, count: number): Promise<string> {
  const sent = messages(count);
  const subscription = to.subscribe('news', { max: count });
  // Its answer says that the server of the other has heard of both subscriptions.
  to.subscribe('ready', { callback: (_error, message) => { message.respond(); } });
  await to.flush();
  for (let tries = 0; !await from.request('ready', '', { timeout: 100 }).then(() => true, () => false); tries++) {
    if (tries > 100) throw new Error('the servers did not find each other');
  }
  for (const data of sent) from.publish('news', data);
  const got: Buffer[] = [];
  for await (const { data } of subscription) got.push(Buffer.from(data));
  return same(Buffer.concat(got), Buffer.concat(sent));
}

async function requests(client: NatsConnection, count: number): Promise<string> {
  const service = await open();
  service.subscribe('echo', { callback: (_error, message) => { message.respond(message.data); } });
  await service.flush();
  for (let turn = 0; turn < count; turn++) {
    const data = pattern((turn * 37) % 2000, String(turn));
    same(Buffer.from((await client.request('echo', data)).data), data);
  }
  for (const size of SIZES) same(Buffer.from((await client.request('echo', pattern(size))).data), pattern(size));
  await service.drain();
  return `${count + SIZES.length} answers`;
}

/** Each message goes to one of the group. */
async function group(client: NatsConnection, count: number): Promise<string> {
  const seen = new Set<number>();
  let total = 0;
  const members = await Promise.all(Array.from({ length: 5 }, () => open()));
  for (const member of members) {
    member.subscribe('work', { queue: 'workers', callback: (_error, message) => { total++; seen.add(message.json<number>()); } });
    await member.flush();
  }
  for (let index = 0; index < count; index++) client.publish('work', JSON.stringify(index));
  await client.flush();
  await Promise.all(members.map((member) => member.drain()));
  return `${total} heard, ${seen.size} different`;
}

async function stream(client: NatsConnection, count: number): Promise<string> {
  const manager = await client.jetstreamManager();
  await manager.streams.add({ name: 'LOG', subjects: ['log.>'] });
  const js = client.jetstream();
  const sent = messages(count);
  await Promise.all(sent.map((data, index) => js.publish('log.a', data, { expect: {}, msgID: String(index) })));
  const got: Buffer[] = [];
  const subscription = await js.subscribe('log.>', consumerOpts().orderedConsumer());
  for await (const message of subscription) {
    got.push(Buffer.from(message.data));
    if (got.length === count) break;
  }
  return same(Buffer.concat(got), Buffer.concat(sent));
}

async function bucket(client: NatsConnection, count: number): Promise<string> {
  const kv = await client.jetstream().views.kv('things', { history: 5 });
  const watched: string[] = [];
  const watch = await kv.watch();
  const watching = (async () => { for await (const entry of watch) if (watched.push(`${entry.key} ${entry.operation}`) === count + 1) break; })();
  for (let index = 0; index < count; index++) await kv.put(`k${index % 20}`, pattern(index, String(index)));
  await kv.delete('k3');
  await watching;
  const clash = await kv.update('k1', 'x', 1).then(() => 'went through', (error: unknown) => (error as Error).message);
  return `${digest(Buffer.from(watched.join()))}; ${clash}`;
}

async function objects(client: NatsConnection, size: number): Promise<string> {
  const store = await client.jetstream().views.os('files');
  const sent = pattern(size, 'object');
  await store.putBlob({ name: 'large' }, sent);
  return same(Buffer.from((await store.getBlob('large'))!), sent);
}

async function ask(): Promise<void> {
  const client = await open();
  const count = short ? 2000 : 20_000;
  await check('introduction', () => requests(client, 5));
  await check('messages in order', async () => published(client, await open(), count));
  await check('messages in order, from server to server', async () => published(await open(4223), await open(4224), count));
  await check('requests', () => requests(client, count / 4));
  await check('a group that shares the work', () => group(client, count));
  await check('headers', async () => {
    const told = headers();
    told.set('x-one', '1');
    const subscription = client.subscribe('h', { max: 1 });
    client.publish('h', 'body', { headers: told });
    for await (const message of subscription) return `${message.headers?.get('x-one') ?? ''} ${message.string()}`;
    return '';
  });
  await check('nobody answers', () => client.request('nobody', '').then(() => 'an answer', (error: unknown) => String((error as { code: string }).code)));
  await check('a stream', () => stream(client, count / 2));
  await check('keys and values', () => bucket(client, short ? 200 : 1000));
  await check('an object', () => objects(client, short ? 5_000_000 : 30_000_000));
  await check('50 clients in turn', async () => {
    for (let turn = 0; turn < 50; turn++) {
      const one = await open(4222 + (turn % 3));
      await one.flush();
      await one.close();
    }
    return '50 answered';
  });
}

await main(() => undefined, ask);
