import type { ScopeObject } from '../../admin/objects.js';
import type { ScopeEffect } from '../../datapath/types.js';
import { plain, type Colour, type Paint } from './paint.js';
import { table, type Column } from './table.js';

const columns: readonly Column[] = [
  { title: 'EFFECT' },
  { title: 'SELECTOR', min: 10 },
  { title: 'FROM', min: 8 },
  { title: 'PAIRS', align: 'right' },
  { title: 'NOTE', min: 6 },
];

const effects: Readonly<Record<ScopeEffect, { text: string; colour: Colour }>> = {
  exclude: { text: 'exclude', colour: 'red' },
  include: { text: 'include', colour: 'green' },
  observe: { text: 'observe', colour: 'yellow' },
  trust: { text: 'trust', colour: 'green' },
  blocking: { text: 'allow blocking', colour: 'yellow' },
};

// An end may match several rules of these kinds: none of them decides by itself.
const decides = (effect: ScopeEffect): boolean => effect === 'exclude' || effect === 'include' || effect === 'observe';

export function renderScope({ switches, rules }: ScopeObject, width: number, paint: Paint = plain): string[] {
  const all = switches.all ? [paint('yellow', 'everything is switched off by hand; `sidestep enable` switches it on')] : [];
  if (rules.length === 0) return [...all, 'no selectors: every local connection that suits is accelerated'];
  const rows = rules.map(({ effect, text, origin, pairs, absent }) => [
    effects[effect], text, origin, decides(effect) ? String(pairs) : '-',
    { text: absent.length === 0 ? '' : `not there: ${absent.join(', ')}`, colour: 'yellow' as const },
  ]);
  return [...all, ...table(columns, rows, width, paint)];
}
