import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { beforeEach, describe, it } from 'mocha';
import { Lifecycle, type StartStep } from '../../../agent/lifecycle/lifecycle.js';
import { installSignals } from '../../../agent/lifecycle/signals.js';
import { keptLog, type Line } from '../../helpers/log.js';

describe('lifecycle', () => {
  let seen: string[];
  let lines: Line[];
  let lifecycle: Lifecycle;

  beforeEach(() => {
    seen = [];
    const kept = keptLog('debug');
    lines = kept.lines;
    lifecycle = new Lifecycle(kept.log, 200);
  });

  const simple = (step: StartStep, name: string): Promise<void> =>
    step(name, () => { seen.push(`+${name}`); }, () => { seen.push(`-${name}`); });

  it('starts in order and stops in reverse, once', async () => {
    const started = await lifecycle.start(async (step) => {
      for (const name of ['a', 'b', 'c']) await simple(step, name);
    });
    assert.equal(started, true);
    const [one, two] = await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    assert.equal(one, two);
    assert.deepEqual(seen, ['+a', '+b', '+c', '-c', '-b', '-a']);
    assert.deepEqual(one, { late: [], failed: [] });
  });

  it('stops what had started when a step fails, and rethrows', async () => {
    const failing = lifecycle.start(async (step) => {
      await simple(step, 'a');
      await simple(step, 'b');
      await step('c', () => Promise.reject(new Error('no')), () => { seen.push('-c'); });
    });
    await assert.rejects(failing, /^Error: no$/);
    assert.deepEqual(seen, ['+a', '+b', '-b', '-a']);
  });

  it('gives a step what it made when it is stopped', async () => {
    await lifecycle.start(async (step) => { await step('a', () => 42, (made) => { seen.push(String(made)); }); });
    await lifecycle.stop();
    assert.deepEqual(seen, ['42']);
  });

  it('goes on stopping when a step fails to, and names it', async () => {
    await lifecycle.start(async (step) => {
      await simple(step, 'a');
      await step('b', () => undefined, () => { throw new Error('stuck'); });
    });
    const report = await lifecycle.stop();
    assert.deepEqual(report.failed.map(({ step }) => step), ['b']);
    assert.deepEqual(seen, ['+a', '-a']);
  });

  it('has one deadline for the whole stop, names a step that hangs, and still asks the others', async () => {
    await lifecycle.start(async (step) => {
      await simple(step, 'a');
      for (const name of ['b', 'c']) await step(name, () => undefined, () => new Promise(() => undefined));
    });
    const began = performance.now();
    const report = await lifecycle.stop();
    assert.ok(performance.now() - began < 1000);
    assert.deepEqual(report.late, ['c', 'b']);
    assert.deepEqual(seen, ['+a', '-a']);
    assert.equal(lines.filter(({ level }) => level === 'warn').length, 2);
  });

  it('a stop while it starts waits for the step under way, starts no other, and stops all', async () => {
    const starting = lifecycle.start(async (step) => {
      await simple(step, 'a');
      await step('b', () => new Promise((resolve) => setTimeout(resolve, 30)), () => { seen.push('-b'); });
      await simple(step, 'c');
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await lifecycle.stop();
    assert.equal(await starting, false);
    assert.deepEqual(seen, ['+a', '-b', '-a']);
  });
});

describe('a step that outlasts the stop', () => {
  it('is stopped as soon as it has started', async () => {
    const seen: string[] = [];
    const lifecycle = new Lifecycle(keptLog().log, 20);
    const starting = lifecycle.start(async (step) => {
      await step('slow', () => new Promise((resolve) => setTimeout(resolve, 100)), () => { seen.push('-slow'); });
    });
    await lifecycle.stop();
    assert.deepEqual(seen, []);
    assert.equal(await starting, false);
    assert.deepEqual(seen, ['-slow']);
  });
});

describe('signals', () => {
  let seen: string[];
  let source: EventEmitter;
  let now: number;
  let remove: () => void;

  beforeEach(() => {
    [seen, source, now] = [[], new EventEmitter(), 0];
    remove = installSignals(source, {
      onStop: (signal) => { seen.push(`stop ${signal}`); },
      onReload: () => { seen.push('reload'); },
      onFatal: (error) => { seen.push(String(error)); },
      exit: (code) => { seen.push(`exit ${code}`); },
    }, () => now);
  });

  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
    it(`${signal} stops in order, a second one exits with ${code}`, () => {
      source.emit(signal);
      now = 2000;
      source.emit(signal);
      assert.deepEqual(seen, [`stop ${signal}`, `exit ${code}`]);
    });
  }

  it('takes a signal that npm passes on again for the same keystroke', () => {
    source.emit('SIGINT');
    now = 10;
    source.emit('SIGINT');
    assert.deepEqual(seen, ['stop SIGINT']);
  });

  it('SIGHUP reloads', () => {
    source.emit('SIGHUP');
    assert.deepEqual(seen, ['reload']);
  });

  it('an error that nobody caught is logged and ends the process with 1', () => {
    source.emit('unhandledRejection', new Error('lost'));
    assert.deepEqual(seen, ['Error: lost', 'exit 1']);
  });

  it('leave no listener behind', () => {
    remove();
    assert.deepEqual(source.eventNames(), []);
  });
});
