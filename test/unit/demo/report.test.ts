import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { report } from '../../../demo/report.js';
import { problemOf, type Seen } from '../../../demo/results.js';
import type { Round } from '../../../demo/rounds.js';
import { block, type Path } from '../../../demo/statistics.js';

const nothing = { bytes: 0, messages: 0 };
const some = { bytes: 2 ** 20, messages: 30_000 };
const of = <T>(path: Path, plain: T, accelerated: T): T => (path === 'plain' ? plain : accelerated);

function seen(): Seen {
  const round = (path: Path): Round => {
    const requestsPerSecond = of(path, 50_000, 75_000);
    const measured = { requestsPerSecond, p50Ms: of(path, 0.5, 0.25), p99Ms: 1 };
    return {
      block: 0, path, requests: 20_000, loPackets: of(path, 40_000, 800), redirected: of(path, nothing, some),
      result: { GET: measured, SET: measured },
    };
  };
  return {
    machine: { sidestep: '1.2.3', kernel: '6.18.0', cpu: 'Some CPU', cpus: 2, node: '20.19.0', redis: '7.0.15', load: '0 0 0' },
    mode: 'unified', programs: [], requestsOfEachKind: 10_000, commands: [],
    rounds: block.map(round),
    checks: [
      { path: 'accelerated', keys: 1000, bytes: 2 ** 20, wrong: 0, redirected: some },
      { path: 'plain', keys: 1000, bytes: 2 ** 20, wrong: 0, redirected: nothing },
    ],
    roundTrips: block.map((path) => ({
      block: 0, path, loPackets: 0, redirected: of(path, nothing, some),
      result: { p50_us: of(path, 20, 12), p90_us: 30, p99_us: 40, rounds: 10_000 },
    })),
  };
}

describe('the report', () => {
  it('is a table, the proof, and where to look next', () => {
    const lines = report(seen(), 100);
    assert.deepEqual(lines.slice(0, 16), [
      'Sidestep 1.2.3 (mode unified), Linux 6.18.0, 2 x Some CPU, redis 7.0.15',
      'redis-benchmark -c 50 -P 1, 10,000 requests of each kind in a round; medians of 2 plain and 2 accelerated rounds',
      '',
      '                         PLAIN  ACCELERATED  RATIO    MIN..MAX',
      'GET requests/s          50,000       75,000   1.50  1.50..1.50',
      'GET p50 ms               0.500        0.250   0.50  0.50..0.50',
      'GET p99 ms               1.000        1.000   1.00  1.00..1.00',
      'SET requests/s          50,000       75,000   1.50  1.50..1.50',
      'SET p50 ms               0.500        0.250   0.50  0.50..0.50',
      'SET p99 ms               1.000        1.000   1.00  1.00..1.00',
      '64 B round trip p50 us    20.0         12.0   0.60  0.60..0.60',
      '64 B round trip p99 us    40.0         40.0   1.00  1.00..1.00',
      '',
      'Redirected in 2 accelerated rounds: 2.0MiB in 60.0k messages',
      'Packets on lo in a round: 40.0k plain, 800 accelerated (98.00 % less per request)',
      'Read back: 2,000 keys, 2.0MiB, every SHA-256 equal',
    ]);
    assert.ok(lines.some((line) => line.includes('bin/sidestep top')));
  });
});

describe('what was seen proves the point', () => {
  const changed = (change: (all: { -readonly [key in keyof Seen]: Seen[key] }) => void): string => {
    const all = seen();
    change(all);
    return problemOf(all);
  };
  const accelerated = (round: Round, change: Partial<Round>): Round => (round.path === 'accelerated' ? { ...round, ...change } : round);

  it('when bytes were redirected, keys came back, and the packets are gone', () => {
    assert.equal(problemOf(seen()), '');
  });

  it('not when a key came back wrong', () => {
    assert.match(changed((all) => { all.checks = all.checks.map((check) => ({ ...check, wrong: 1 })); }), /2 keys came back/);
  });

  it('not when one accelerated round redirected nothing', () => {
    assert.match(changed((all) => {
      all.rounds = all.rounds.map((round, index) => (index === 1 ? { ...round, redirected: nothing } : round));
    }), /no byte was redirected/);
  });

  it('not when the packets are still there', () => {
    assert.match(changed((all) => {
      all.rounds = all.rounds.map((round) => accelerated(round, { loPackets: 4000 }));
    }), /fell by 90\.0 %/);
  });

  it('not when the plain rounds were accelerated too', () => {
    assert.match(changed((all) => {
      all.rounds = all.rounds.map((round) => ({ ...round, loPackets: 800 }));
    }), /another agent/);
  });

  it('not when the read-back or the round trips took plain TCP', () => {
    assert.match(changed((all) => {
      all.checks = all.checks.map((check) => ({ ...check, redirected: nothing }));
    }), /read-back took plain TCP/);
    assert.match(changed((all) => {
      all.roundTrips = all.roundTrips.map((sample) => ({ ...sample, redirected: nothing }));
    }), /round trips took plain TCP/);
  });
});
