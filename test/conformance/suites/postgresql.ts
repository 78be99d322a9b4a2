// SPDX-License-Identifier: Apache-2.0
/** PostgreSQL with its own clients: pgbench, psql, COPY, pg_dump, and a standby server. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Checks, digest, must, pattern } from '../checks.js';
import { certificate } from '../certificate.js';
import { execFileSync } from 'node:child_process';
import { AS_POSTGRES, pg, postgresIds } from '../../helpers/postgres.js';
import type { Ended, Running } from '../running.js';
import type { How, Place } from '../place.js';
import type { Suite } from '../suite.js';

const ENV = { PGHOST: '127.0.0.1', PGUSER: 'postgres', PGDATABASE: 'postgres', PGSSLMODE: 'disable' };

const run = (place: Place, command: readonly string[], how: How = {}): Promise<Ended> =>
  place.run(command, { ...how, env: { ...ENV, ...how.env } });
const sql = async (place: Place, text: string, ...words: string[]): Promise<string> =>
  (await place.output([pg('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', ...words, '-c', text], { env: ENV })).trim();

function server(place: Place, data: string, port: number): Running {
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: '', fsync: 'off', ssl: 'on', ssl_cert_file: '../cert.pem', ssl_key_file: '../server.key' };
  return place.start([...AS_POSTGRES, pg('postgres'), '-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])]);
}

async function started(place: Place): Promise<void> {
  const [uid, gid] = postgresIds();
  chmodSync(place.dir, 0o755);
  await certificate(place);
  await place.output(['bash', '-c', 'cp key.pem server.key && chmod 600 server.key']);
  chownSync(place.path('server.key'), uid, gid);
  await place.output(['cp', '-a', join(place.prepared, 'data'), place.path('data')]);
  await place.listening(server(place, place.path('data'), 5432), 5432);
  for (let tries = 0; (await run(place, [pg('psql'), '-c', 'select 1'])).how !== 'exit 0'; tries++) {
    must(tries < 100, 'the server does not answer');
    await sleep(50);
  }
}

/** What pgbench says of the work that it has done, not of the time that it took. */
async function pgbench(place: Place, words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { how, stdout, stderr } = await run(place, [pg('pgbench'), '-n', ...words], { limitS: 120, env });
  must(how === 'exit 0', `${how}: ${stderr}`);
  return stdout.toString().split('\n').filter((line) => /^number of (transactions|failed)/.test(line)).join('; ');
}

async function benchmarks(place: Place, checks: Checks): Promise<void> {
  const t = place.short ? '1000' : '5000';
  await checks.check('pgbench fills its tables', async () => (await run(place, [pg('pgbench'), '-i', '-q', '-s', '2'])).how);
  for (const protocol of ['simple', 'extended', 'prepared']) {
    await checks.check(`pgbench, reads, ${protocol}`, () => pgbench(place, ['-S', '-c', '8', '-j', '2', '-t', t, '-M', protocol]));
  }
  await checks.check('pgbench, writes', () => pgbench(place, ['-c', '8', '-j', '2', '-t', t]));
  await checks.check('pgbench, over TLS', () => pgbench(place, ['-S', '-c', '4', '-t', t], { PGSSLMODE: 'require' }));
  await checks.check('pgbench, a connection for each transaction', () => pgbench(place, ['-S', '-C', '-c', '4', '-t', '5']));
  await checks.check('pgbench, a pipeline', () => {
    writeFileSync(place.path('pipeline.sql'), ['\\startpipeline', ...Array.from({ length: 50 }, (_, index) => `select ${index};`), '\\endpipeline', ''].join('\n'));
    return pgbench(place, ['-f', 'pipeline.sql', '-M', 'extended', '-c', '4', '-t', '100']);
  });
  await checks.check('the books balance', () => sql(place,
    'select sum(abalance) = (select sum(delta) from pgbench_history) and (select sum(bbalance) from pgbench_branches) = sum(abalance) from pgbench_accounts'));
}

/** Lines that differ from one another, of some length. */
function table(rows: number): string {
  const text = pattern(rows * 30, 'table').toString('hex');
  return Array.from({ length: rows }, (_, index) => `${index}\t${text.slice(index * 60, index * 60 + 60)}\n`).join('');
}

async function copies(place: Place, checks: Checks): Promise<void> {
  const rows = table(place.short ? 50_000 : 500_000);
  const copy = async (text: string, input?: string): Promise<Buffer> => {
    const { how, stdout, stderr } = await run(place, [pg('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', text], input === undefined ? {} : { input });
    must(how === 'exit 0', `${how}: ${stderr}`);
    return stdout;
  };
  await checks.check('COPY in', async () => {
    await sql(place, 'create table t (id int primary key, v text)');
    await copy('copy t from stdin', rows);
    return sql(place, 'select count(*), md5(string_agg(v, \'\' order by id)) from t');
  });
  await checks.check('COPY out', async () => {
    const got = await copy('copy (select * from t order by id) to stdout');
    must(got.toString() === rows, `other rows: ${digest(got)}`);
    return digest(got);
  });
  await checks.check('COPY out, binary', async () => digest(await copy('copy (select * from t order by id) to stdout (format binary)')));
  await checks.check('a million rows', async () => digest(await copy('select i, i * i from generate_series(1, 1000000::bigint) i')));
  await checks.check('a value of 20 MB', async () => digest(await copy('select repeat(md5(\'a\'), 625000)')));
  await checks.check('pg_dump, and back', async () => {
    const dump = async (database: string): Promise<Buffer> => (await run(place, [pg('pg_dump'), '-t', 't', database])).stdout;
    await sql(place, 'create database other');
    const one = await dump('postgres');
    await run(place, [pg('psql'), '-Xq', '-d', 'other'], { input: one });
    // Newer versions write a key of chance.
    const told = (text: Buffer): string => digest(text.toString().replaceAll(/^\\(un)?restrict .*$/gm, ''));
    const [first, second] = [told(one), told(await dump('other'))];
    must(first === second, `${first} before, ${second} after`);
    return first;
  });
}

/** A session that says what it sees. */
async function session(place: Place, text: string): Promise<string> {
  const { how, stdout, stderr } = await run(place, [pg('psql'), '-XAtq'], { input: text });
  return `${how}: ${`${stdout.toString()} ${stderr}`.replaceAll(/PID \d+/g, 'PID of it').replaceAll(/\s+/g, ' ').trim()}`;
}

async function sessions(place: Place, checks: Checks): Promise<void> {
  await checks.check('LISTEN and NOTIFY', () => session(place, 'listen news;\nnotify news, \'one\';\nnotify news, \'two\';\nselect 1;\n'));
  await checks.check('a statement that takes too long', () => session(place, 'set statement_timeout = 200;\nselect pg_sleep(10);\nselect 2;\n'));
  await checks.check('a session that is ended', () => session(place, 'select pg_terminate_backend(pg_backend_pid());\nselect 3;\n'));
  await checks.check('a statement that is cancelled', async () => {
    const sleeping = session(place, 'set application_name = \'sleeper\';\nselect pg_sleep(20);\n');
    const cancel = 'select pg_cancel_backend(pid) from pg_stat_activity where query like \'select pg_sleep%\'';
    for (let tries = 0; await sql(place, cancel) !== 't'; tries++) {
      must(tries < 100, 'it never slept');
      await sleep(50);
    }
    return sleeping;
  });
}

async function standby(place: Place): Promise<string> {
  const [uid, gid] = postgresIds();
  mkdirSync(place.path('standby'), { mode: 0o700 });
  chownSync(place.path('standby'), uid, gid);
  await place.output([...AS_POSTGRES, pg('pg_basebackup'), '-D', place.path('standby'), '-R', '-c', 'fast', '-X', 'stream'], { env: ENV });
  const second = server(place, place.path('standby'), 5433);
  await place.listening(second, 5433);
  await pgbench(place, ['-c', '4', '-t', '100']);
  const lsn = await sql(place, 'select pg_current_wal_lsn()');
  const asked = 'select count(*), sum(abalance) from pgbench_accounts';
  for (let tries = 0; (await run(place, [pg('psql'), '-XAtq', '-p', '5433', '-c', `select pg_last_wal_replay_lsn() >= '${lsn}'`])).text().trim() !== 't'; tries++) {
    must(tries < 200, `the standby does not follow: ${second.lastWords()}`);
    await sleep(50);
  }
  const [one, other] = [await sql(place, asked), await sql(place, asked, '-p', '5433')];
  must(one === other, `${one} there, ${other} here`);
  return 'has the same rows';
}

export const POSTGRESQL: Suite = {
  name: 'postgresql',
  about: 'PostgreSQL with pgbench, COPY in and out, pg_dump, NOTIFY, cancellation, TLS, and a standby server',
  floor: { connections: 0.3, bytes: 0.05 },
  why: 'its listener blocks, so each connection is watched for itself, and short ones are over by then',
  needs: ['setpriv', 'openssl', '/usr/lib/postgresql/*/bin/postgres', '/usr/lib/postgresql/*/bin/pgbench'],
  prepare(dir) {
    const [uid, gid] = postgresIds();
    chmodSync(dir, 0o755);
    mkdirSync(join(dir, 'data'));
    chownSync(join(dir, 'data'), uid, gid);
    const [command, ...words] = [...AS_POSTGRES, pg('initdb'), '-D', join(dir, 'data'), '--auth=trust', '--no-sync', '--locale=C', '--encoding=UTF8'];
    execFileSync(command, words, { stdio: 'pipe', cwd: dir });
    return Promise.resolve();
  },
  async run(place) {
    const checks = new Checks();
    await started(place);
    await benchmarks(place, checks);
    await copies(place, checks);
    await sessions(place, checks);
    await checks.check('a standby server', () => standby(place));
    return checks.outcomes;
  },
};
