// SPDX-License-Identifier: Apache-2.0
/** The BPF programs, maps and links of this host, as bpftool sees them. */
import { execFileSync } from 'node:child_process';
import { eventually } from './kernel.js';

interface Row { id: number; name?: string; type?: string; prog_id?: number }

const KINDS = ['prog', 'map', 'link'] as const;

/** "prog 12 sidestep_sk_msg", ... */
export function bpfObjects(): Set<string> {
  const rows = KINDS.flatMap((kind) => (JSON.parse(execFileSync('bpftool', ['-j', kind, 'show'], { encoding: 'utf8' })) as Row[])
    .map((row) => `${kind} ${row.id} ${row.name ?? row.type ?? ''}`));
  return new Set(rows);
}

export function newSince(before: ReadonlySet<string>): string[] {
  return [...bpfObjects()].filter((object) => !before.has(object));
}

/** The kernel frees them a moment after the last user has gone. */
export async function noneSince(before: ReadonlySet<string>): Promise<void> {
  await eventually(() => {
    const left = newSince(before);
    return left.length === 0 ? '' : `still there: ${left.join(', ')}`;
  }, 5000);
}
