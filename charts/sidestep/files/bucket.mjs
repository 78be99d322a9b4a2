// Makes the buckets in which the agents publish, as the administrator of the broker. Ends with 0 if they are there.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const root = process.env.SIDESTEP_ROOT ?? '/usr/lib/sidestep';
const { connect, nkeyAuthenticator } = createRequire(`${root}/package.json`)('nats');
const { BUCKETS } = await import(`${root}/dist/agent/bus/permissions.js`);

const file = (name, fallback) => readFileSync(process.env[name] ?? fallback);
const connection = await connect({
  servers: process.env.NATS_SERVER,
  authenticator: nkeyAuthenticator(Buffer.from(file('ADMIN_SEED', '/admin/admin.nk').toString().trim())),
  tls: { ca: file('CA', '/ca/ca.crt').toString() },
  name: 'sidestep bucket',
  timeout: 10_000,
});
// Entries end with their host: an hour is far beyond every lease.
for (const bucket of BUCKETS) {
  await connection.jetstream().views.kv(bucket, { ttl: 3_600_000, maxValueSize: 4096, storage: 'file', replicas: Number(process.env.REPLICAS ?? 1), history: 1 });
  console.log(`the bucket ${bucket} is there`);
}
await connection.close();
