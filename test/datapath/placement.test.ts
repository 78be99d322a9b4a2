// SPDX-License-Identifier: Apache-2.0
// Streams of small messages leave the map and come back when they talk. Both ends hash every byte: see placing.py.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { compile, GNU } from '../helpers/compile.js';
import { folder } from '../helpers/folder.js';
import { SLOWNESS } from '../helpers/kernel.js';
import { PROGRAMS, type Program } from '../helpers/program.js';
import { onGround, type Ground } from '../helpers/real-agent.js';

const SOON = ['--set', 'placement.stay=100ms'];

class Talker {
  constructor(readonly ground: Ground, readonly program: Program, readonly port: number) {}

  state(): string { return this.ground.state(this.port); }
  becomes(wanted: string, withinMs?: number): Promise<void> { return this.ground.becomes(this.port, wanted, withinMs); }

  /** What it does ends well only if every byte arrived in its place. */
  async does(what: string): Promise<number> {
    this.program.say(what);
    return (await this.program.next())['times'] as number;
  }

  /** Does it for as long as it takes. */
  async becomesWhile(what: string, wanted: string): Promise<void> {
    this.program.say(what);
    await this.becomes(wanted);
    // A stream from the server ends by itself.
    this.program.say('talk 0');
    await this.program.next();
    await this.program.next();
  }

  async quit(): Promise<void> {
    this.program.say('quit');
    await this.program.end();
  }
}

async function talker(ground: Ground, options: object = {}): Promise<Talker> {
  const program = ground.program('placing.py', options);
  const { port } = await program.next();
  const talking = new Talker(ground, program, port as number);
  await talking.becomesWhile('talk 10', 'active redirected');
  return talking;
}

/** Streams that never pause, one after the other: so many of them, so many milliseconds each. Their sender is on CPU 0. */
function torrents(ground: Ground, { bytes, readers, cpu }: { bytes: number; readers: number; cpu: number }): (connections: number, ms: number) => Program {
  const torrent = compile(join(folder(), 'torrent'), [join(PROGRAMS, 'torrent.c')], GNU);
  return (connections, ms) => ground.command([torrent, ...[connections, ms * SLOWNESS, bytes, readers, cpu].map(String)]);
}

const placed = (more: readonly string[], test: (ground: Ground) => Promise<void>): (() => Promise<void>) => () => onGround(async (ground) => {
  await ground.ready(more);
  await test(ground);
});

describe('placement', () => {
  for (const [name, options, stream] of [
    ['the client, with Nagle', { nagle: true }, 'stream 10'],
    ['the client, with TCP_NODELAY', {}, 'stream 10'],
    ['the server', {}, 'drink 200000'],
  ] as const) {
    it(`a stream of ${name} leaves the map, comes back when it talks, and leaves again, with every byte in its place`, placed(SOON, async (ground) => {
      const one = await talker(ground, options);
      for (let round = 1; round <= 3; round++) {
        await one.becomesWhile(stream, 'tcp stream');
        await one.becomesWhile('talk 10', 'active redirected');
      }
      const { streamsLeft, streamsBack, connections } = ground.counters();
      assert.ok(streamsLeft >= 3 && streamsBack >= 3, `left ${streamsLeft}, back ${streamsBack}`);
      assert.equal(connections.redirected, 1, 'one connection counts once, however often it moves');
      await one.quit();
      assert.equal(ground.counters().resets, 0);
    })).timeout(60_000);
  }

  for (const readers of [1, 3]) {
    it(`one whose ${readers === 1 ? 'reader' : '3 readers'} cannot keep up leaves while it goes on, with every byte in its place`,
      placed(['--set', 'placement.rate=1000', '--set', 'placement.messageBytes=1MiB'], async (ground) => {
        const flow = torrents(ground, { bytes: 16_384, readers, cpu: 0 });
        await flow(2, 800).end(); // until the program is known
        const streams = flow(4, 3000);
        for (let left = 1; left <= 4; left++) {
          const { port } = await streams.next();
          await ground.becomes(port as number, 'tcp stream', 2500 * SLOWNESS);
          await streams.next();
        }
        await streams.end();
        assert.equal(ground.counters().resets, 0);
      })).timeout(40_000 * SLOWNESS);
  }

  it('hundreds of them leave while they go on, their reader on another processor', placed(['--set', 'placement.rate=1000'], async (ground) => {
    const flow = torrents(ground, { bytes: 1000, readers: 1, cpu: 1 });
    await flow(2, 800).end(); // until the program is known
    await flow(300, 30).end();
    assert.ok(ground.counters().streamsLeft > 200, `${ground.counters().streamsLeft} left`);
    assert.equal(ground.counters().resets, 0);
  })).timeout(60_000 * SLOWNESS);

  it('what moves no faster than placement.rate stays in the map', placed(['--set', 'placement.rate=20000'], async (ground) => {
    const one = await talker(ground);
    assert.ok(await one.does('stream 1 64 2000') > 300, 'it is more than is looked at');
    assert.equal(one.state(), 'active redirected');
    assert.equal(ground.counters().streamsLeft, 0);
    await one.quit();
  })).timeout(30_000);

  it('messages larger than is good for TCP stay in the map', placed(['--set', 'placement.messageBytes=1KiB', '--set', 'placement.rate=100'], async (ground) => {
    const one = await talker(ground);
    assert.ok(await one.does('stream 1 4000 2000') > 300, 'it is more than is looked at');
    assert.equal(one.state(), 'active redirected');
    await one.quit();
  })).timeout(30_000);

  it('what finds no way around TCP anyway leaves, whatever its size', placed(['--set', 'placement.rate=10000000', '--set', 'datapath.queueBytes=4KiB'], async (ground) => {
    const one = await talker(ground);
    await one.becomesWhile('flood 10', 'tcp stream');
    await one.quit();
  })).timeout(30_000);

  it('answers keep it in the map, however many messages there are', placed(SOON, async (ground) => {
    const one = await talker(ground);
    assert.ok(await one.does('talk 2 16') > 3000);
    assert.equal(ground.counters().streamsLeft, 0);
    await one.quit();
  })).timeout(30_000);

  it('does not flap: each return makes the next stay longer', placed(['--set', 'placement.stay=200ms'], async (ground) => {
    const one = await talker(ground);
    const began = Date.now();
    let left = 0, turns = 0;
    // What streams and talks by turns would move at each turn. It talks enough for what it streams, however fast either is
    // here, or all of it together would count as a stream.
    for (; turns < 16 || (left < 2 && turns < 50); turns++) {
      const messages = await one.does('stream 0.05');
      for (let answers = 0; answers < messages / 2.5;) answers += await one.does('talk 0.1');
      left = ground.counters().streamsLeft;
    }
    // It may go at 0, and then after stays of 0.2, 0.4, 0.8 s and so on.
    const most = 2 + Math.log2((Date.now() - began) / 200);
    assert.ok(left >= 2 && left <= most, `left ${left} times of at most ${most.toFixed(1)} in ${turns} turns`);
    await one.quit();
  })).timeout(100_000 * SLOWNESS);

  it('explain and the metrics say so', placed([], async (ground) => {
    const one = await talker(ground);
    await one.becomesWhile('stream 10', 'tcp stream');
    const { stdout } = ground.cli('explain', String(one.port));
    assert.match(stdout, /state tcp, reason stream/);
    assert.match(stdout, /one-way stream of small messages/);
    assert.ok(ground.counters().messages.stream > 0, 'what passed until it was out is counted with the reason');
    await one.quit();
  })).timeout(30_000);

  it('is switched off and on while connections are open', () => onGround(async (ground) => {
    const config = (text: string): string => ground.config(`placement:\n  ${text}\n  stay: 100ms\n`);
    const agent = ground.start([], config('enabled: true'));
    await agent.says('ready');
    const one = await talker(ground);
    await one.becomesWhile('stream 10', 'tcp stream');
    config('enabled: false');
    // It comes back although it streams: nobody looks any more.
    await one.becomes('active redirected');
    await one.does('stream 1');
    assert.equal(one.state(), 'active redirected');
    config('enabled: true');
    await one.becomesWhile('stream 10', 'tcp stream');
    await one.quit();
  })).timeout(60_000);

  it('a stream on TCP that is excluded does not come back', placed(SOON, async (ground) => {
    const one = await talker(ground);
    await one.becomesWhile('stream 10', 'tcp stream');
    assert.equal(ground.cli('disable', `port:${ground.pairs()[0]!.server.port}`).code, 0);
    await one.becomes('tcp excluded');
    await one.does('talk 1');
    assert.equal(one.state(), 'tcp excluded');
    await one.quit();
  })).timeout(30_000);

  it('an agent that is killed leaves streams on TCP, and the next one brings them back', () => onGround(async (ground) => {
    const first = await ground.ready(SOON);
    const one = await talker(ground);
    await one.becomesWhile('stream 10', 'tcp stream');
    await first.kill();
    await one.does('stream 0.5');
    await ground.ready(SOON);
    assert.equal(one.state(), 'tcp stream');
    await one.becomesWhile('talk 10', 'active redirected');
    await one.quit();
  })).timeout(60_000);
});
