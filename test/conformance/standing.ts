// SPDX-License-Identifier: Apache-2.0
/** What stands on this host because of this run, so that it can be taken down at any moment. */
const standing: (() => Promise<void>)[] = [];

/** Whatever happens in `what`, `down` comes afterwards. */
export async function standingUp<T>(down: () => Promise<void>, what: () => Promise<T>): Promise<T> {
  standing.push(down);
  try {
    return await what();
  } finally {
    await down();
    standing.splice(standing.indexOf(down), 1);
  }
}

/** For a run that is stopped in the middle: the last first. */
export async function takeDown(): Promise<void> {
  for (const down of [...standing].reverse()) await down();
}
