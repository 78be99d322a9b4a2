// SPDX-License-Identifier: Apache-2.0
/** Bytes that both ends know, and what is said of those that arrived. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';

/** Around the sizes at which something changes: a segment, a buffer, a queue. */
export const SIZES = [1, 100, 1460, 10_000, 65_535, 65_536, 65_537, 300_000, 1_000_000, 5_000_000];

/** Each byte depends on its place; the same in every process. */
export function pattern(length: number, seed = ''): Buffer {
  return createHash('shake256', { outputLength: Math.max(1, length) }).update(`${length} ${seed}`).digest().subarray(0, length);
}

export function digest(bytes: Buffer): string {
  return `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}

/** Everything until the end. An iterator would destroy the stream there, and with it a half-closed socket. */
export function all(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => { resolve(Buffer.concat(chunks)); });
    stream.on('error', reject);
    stream.on('close', () => { reject(new Error('closed before its end')); });
  });
}

/** The digest of what arrived, which must be that of what was sent. */
export function same(got: Buffer, sent: Buffer): string {
  const [one, other] = [digest(got), digest(sent)];
  if (one !== other) throw new Error(`got ${one}, sent ${other}`);
  return one;
}
