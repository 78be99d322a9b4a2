// SPDX-License-Identifier: Apache-2.0
/** Named checks of one run, and the few things that an outcome is made of. */
import { createHash } from 'node:crypto';
import type { Outcomes } from './suite.js';
import type { Ended } from './running.js';

/** What the outcome of a check begins with that did not come to a good end. */
const BAD = 'failed: ';

export const isBad = (outcome: string): boolean => outcome.startsWith(BAD);

export class Checks {
  readonly outcomes = new Map<string, string>();

  /** What a check throws is its outcome, and the next one runs all the same. */
  async check(name: string, what: () => Promise<string> | string): Promise<void> {
    if (this.outcomes.has(name)) throw new Error(`two checks are called ${name}`);
    try {
      this.outcomes.set(name, await what());
    } catch (error) {
      this.outcomes.set(name, BAD + firstLines((error as Error).message));
    }
  }

  /** What a driver printed: one JSON object for each check. */
  async driver(name: string, ended: Promise<Ended>): Promise<void> {
    await this.check(`${name}: ends`, async () => {
      const { how, stdout, stderr } = await ended;
      for (const line of stdout.toString().split('\n').filter((text) => text.startsWith('{'))) {
        const { check, outcome, bad } = JSON.parse(line) as { check: string; outcome: string; bad?: boolean };
        this.outcomes.set(`${name}: ${check}`, bad === true ? BAD + outcome : outcome);
      }
      if (how !== 'exit 0') throw new Error(`${how}: ${stderr.trim()}`);
      return how;
    });
  }
}

const firstLines = (text: string): string => text.trim().split('\n').slice(0, 3).join(' | ').slice(0, 300);

/** Short, but long enough for a comparison. */
export function digest(bytes: Buffer | string): string {
  return `${Buffer.byteLength(bytes)} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}

/** Bytes of which each depends on its place; the same in every run. */
export function pattern(length: number, seed: string): Buffer {
  return createHash('shake256', { outputLength: length }).update(seed).digest();
}

export function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

export const merged = (...runs: Outcomes[]): Outcomes => new Map(runs.flatMap((run) => [...run]));
