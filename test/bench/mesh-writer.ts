// SPDX-License-Identifier: Apache-2.0
/** A process that changes endpoints on the bus at a steady pace, and reports what it changed when. Started by mesh-changes.ts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'nats';
import { encodeRecord } from '../../agent/bus/codec.js';
import { recordOf, subjectOf } from './mesh-ground.js';

export interface Sent {
  readonly address: string;
  readonly weight: number;
  /** CLOCK_MONOTONIC, in milliseconds: before it was handed to the client. */
  readonly atMs: number;
  /** Until the server said that it has it. */
  ackMs: number;
}

interface Task {
  readonly services: number;
  readonly each: number;
  readonly perSecond: number;
  readonly seconds: number;
}

const [url = '', task = ''] = process.argv.slice(2);
const { services, each, perSecond, seconds } = JSON.parse(task) as Task;
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
const connection = await connect({ servers: url });
const js = connection.jetstream();
const sent: Sent[] = [];
const acks: Promise<unknown>[] = [];
const began = nowMs();
for (let number = 0; number < perSecond * seconds; number++) {
  const due = began + (number * 1000) / perSecond;
  while (nowMs() < due) await sleep(1);
  const record = recordOf(Math.floor(Math.random() * services * each), services, { weight: 101 + (number % 9000) });
  const one: Sent = { address: record.address, weight: record.weight, atMs: nowMs(), ackMs: 0 };
  sent.push(one);
  acks.push(js.publish(subjectOf(record), encodeRecord(record, { epoch: 1, sequence: 10 + number }), { timeout: 20_000 }).then(() => { one.ackMs = nowMs() - one.atMs; }));
}
await Promise.all(acks);
await connection.close();
process.send!(sent, () => { process.exit(0); });
