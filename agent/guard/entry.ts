/** One profile as it stands in a file: what each key takes. */
import { conductOf, HAZARDS, STATES, type Hazard, type State } from './conduct.js';
import { ANY_PROGRAM, ANYWHERE, NO_EVIDENCE, ORIGINS, type Evidence, type KnownProfile, type Origin } from './known.js';

interface Rule {
  readonly takes: string;
  readonly fits: (value: unknown) => boolean;
  /** What a key that is left out stands for; without it, the key must be there. */
  readonly otherwise?: unknown;
}

const text = (pattern: RegExp) => (value: unknown): boolean => typeof value === 'string' && pattern.test(value);
const oneOf = (choices: readonly string[]): Pick<Rule, 'takes' | 'fits'> => ({
  takes: `one of ${choices.join(', ')}`,
  fits: (value) => typeof value === 'string' && choices.includes(value),
});
const isTime = (value: unknown): boolean =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) && !Number.isNaN(Date.parse(value));
const isCount = (value: unknown): boolean => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const evidenceKeys = Object.keys(NO_EVIDENCE);
const isEvidence = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) &&
  Object.entries(value).every(([key, count]) => evidenceKeys.includes(key) && isCount(count));

const path = { takes: 'an absolute path of at most 4096 characters, or nothing', fits: text(/^(\/[^\0-\x1f\x7f]{0,4095})?$/), otherwise: '' };
const flag = { takes: 'true or false', fits: (value: unknown) => typeof value === 'boolean', otherwise: false };
const time = { takes: 'a time such as 2026-01-31T12:00:00Z', fits: isTime };

const rules: Readonly<Record<string, Rule>> = {
  program: {
    takes: `buildid: or sha256: and hexadecimal digits, or ${ANY_PROGRAM} for whatever has the name`,
    fits: text(/^(buildid:([0-9a-f]{2}){4,64}|sha256:[0-9a-f]{64}|any)$/),
  },
  // The kernel knows the first 15 bytes of a command name.
  name: { takes: 'a command name of 1 to 15 bytes', fits: (value) => text(/^[^\0-\x1f\x7f]+$/)(value) && Buffer.byteLength(String(value)) <= 15 },
  script: { takes: '64 hexadecimal digits, or nothing', fits: text(/^([0-9a-f]{64})?$/), otherwise: '' },
  place: { ...path, takes: 'the path of a cgroup, or nothing for every place', otherwise: ANYWHERE },
  state: oneOf(STATES),
  reason: { ...oneOf(['', ...HAZARDS]), takes: `with state unsafe, one of ${HAZARDS.join(', ')}`, otherwise: '' },
  serves: flag,
  plain: flag,
  executable: path,
  since: time,
  seen: time,
  evidence: { takes: `counts of ${evidenceKeys.join(', ')}`, fits: isEvidence, otherwise: NO_EVIDENCE },
  origin: { ...oneOf(ORIGINS), otherwise: 'import' },
};

/** With its keys in the order of the rules. */
export const inOrder = (profile: KnownProfile): KnownProfile =>
  Object.fromEntries(Object.keys(rules).map((key) => [key, profile[key as keyof KnownProfile]])) as unknown as KnownProfile;

/** Undefined when something was wrong, which `wrong` has been told by key; '' stands for the entry itself. */
export function readEntry(entry: unknown, now: string, wrong: (key: string, message: string) => void): KnownProfile | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    wrong('', 'expected a map of keys');
    return undefined;
  }
  const given = entry as Record<string, unknown>;
  const refused = new Set<string>();
  const refuse = (key: string, message: string): void => {
    refused.add(key);
    wrong(key, message);
  };
  for (const key of Object.keys(given))
    if (!Object.hasOwn(rules, key)) refuse(key, `there is no such key; known: ${Object.keys(rules).join(', ')}`);
  const values: Record<string, unknown> = {};
  for (const [key, { takes, fits, otherwise }] of Object.entries(rules)) {
    const missing = key === 'since' || key === 'seen' ? now : otherwise;
    values[key] = Object.hasOwn(given, key) ? given[key] : missing;
    if (values[key] === undefined) refuse('', `${key} is missing: ${takes}`);
    else if (!fits(values[key])) refuse(key, `expected ${takes}`);
  }
  if (refused.size === 0 && (values['state'] === 'unsafe') !== (values['reason'] !== ''))
    refuse('reason', `a reason belongs to state unsafe, and to no other: ${HAZARDS.join(', ')}`);
  return refused.size === 0 ? profileOf(values) : undefined;
}

function profileOf(values: Readonly<Record<string, unknown>>): KnownProfile {
  const word = (key: string): string => values[key] as string;
  const rest = { reason: values['reason'] as Hazard | '', serves: values['serves'] as boolean, plain: values['plain'] as boolean };
  return {
    program: word('program'), name: word('name'), script: word('script'), place: word('place'), ...conductOf(values['state'] as State, rest),
    executable: word('executable'), since: word('since'), seen: word('seen'),
    evidence: { ...NO_EVIDENCE, ...(values['evidence'] as Partial<Evidence>) }, origin: values['origin'] as Origin,
  };
}
