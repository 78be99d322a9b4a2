/**
 * What an agent needs of a NATS server, and no more: it may write under its own name, and read. The server enforces it;
 * docs/nats-server.conf is generated from here.
 */
import { BUCKET, PROFILES_BUCKET } from './keys.js';

export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export const inboxOf = (cluster: string, host: string): string => `_INBOX_${cluster}_${host}`;

/** What the administrator makes. */
export const BUCKETS: readonly string[] = [BUCKET, PROFILES_BUCKET];

export const permissionsOf = (cluster: string, host: string): Permissions => ({
  publish: ['$JS.API.INFO', ...BUCKETS.flatMap((bucket) => [
    `$KV.${bucket}.${cluster}.${host}.>`,
    `$JS.API.STREAM.INFO.KV_${bucket}`,
    `$JS.API.CONSUMER.CREATE.KV_${bucket}`,
    `$JS.API.CONSUMER.CREATE.KV_${bucket}.>`,
    `$JS.API.CONSUMER.INFO.KV_${bucket}.>`,
    `$JS.API.CONSUMER.DELETE.KV_${bucket}.>`,
    `$JS.FC.KV_${bucket}.>`,
  ])],
  subscribe: [`${inboxOf(cluster, host)}.>`],
});

const list = (subjects: readonly string[]): string => `[${subjects.map((subject) => JSON.stringify(subject)).join(', ')}]`;

export function userOf(cluster: string, host: string, credential: string): string {
  const { publish, subscribe } = permissionsOf(cluster, host);
  return `    { ${credential}, permissions: {\n      publish: { allow: ${list(publish)} }\n      subscribe: { allow: ${list(subscribe)} }\n    } }`;
}

/** An example for two hosts, and an administrator who makes the bucket. */
export function exampleConfig(): string {
  return [
    '# Generated from agent/bus/permissions.ts: a server for agents on several hosts, encrypted, each confined to its keys.',
    '# Each `U...` stands for the public part of a key pair (`nk -gen user -pubout`); its seed is in the file bus.nkey of the',
    '# host. The administrator, who comes first, makes the buckets once:',
    ...BUCKETS.map((bucket) => `#   nats kv add ${bucket} --ttl=1h --max-value-size=4096 --storage=file --replicas=3`),
    'listen: 0.0.0.0:4222',
    'jetstream { store_dir: "/var/lib/nats" }',
    'tls { cert_file: "/etc/nats/server.pem", key_file: "/etc/nats/server-key.pem" }',
    'accounts {',
    '  SIDESTEP: { jetstream: enabled, users: [',
    '    { nkey: U... }',
    ...['host-a', 'host-b'].map((host) => userOf('default', host, 'nkey: U...')),
    '  ] }',
    '}',
    '',
  ].join('\n');
}
