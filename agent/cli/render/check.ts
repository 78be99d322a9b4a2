import type { Check, CheckResult } from '../../check/types.js';
import { plain, type Colour, type Paint } from './paint.js';

const marks: Readonly<Record<CheckResult, [mark: string, colour: Colour]>> = {
  pass: ['✓', 'green'],
  info: ['·', 'dim'],
  warn: ['!', 'yellow'],
  fail: ['✗', 'red'],
};

function summary(checks: readonly Check[]): string {
  const having = (result: CheckResult): number => checks.filter((check) => check.result === result).length;
  const neutral = having('info') === 0 ? '' : `, ${String(having('info'))} neutral`;
  return `${String(having('pass'))} good, ${String(having('warn'))} to look at, ${String(having('fail'))} failed${neutral}`;
}

export function renderChecks(checks: readonly Check[], paint: Paint = plain): string[] {
  const lines: string[] = [];
  let group = '';
  for (const check of checks) {
    if (check.group !== group) lines.push(...(group === '' ? [] : ['']), paint('bold', check.group));
    group = check.group;
    const [mark, colour] = marks[check.result];
    lines.push(`  ${paint(colour, mark)} ${check.name}: ${check.detail}`);
    if (check.remedy !== '') lines.push(`      ${check.remedy}`);
  }
  return [...lines, '', summary(checks)];
}
