/** The schema for editors and CI: JSON Schema, with the environment name of each key beside it. */
import { frontdoorFields } from './frontdoor.js';
import { keys, type Key } from './keys.js';
import { serviceFields } from './services.js';
import type { Field } from './shape.js';
import { tuningFields } from './tuning.js';

type Json = Record<string, unknown>;

const whole = ({ rule }: Key): Json => ({
  type: 'integer',
  ...(rule.min !== undefined && { minimum: rule.min }),
  ...(rule.max !== undefined && { maximum: rule.max }),
  ...(rule.multipleOf !== undefined && { multipleOf: rule.multipleOf }),
});

// In two patterns: not every engine for regular expressions looks ahead.
const absolute: Json = { type: 'string', pattern: '^/', not: { pattern: '(^|/)\\.\\.(/|$)' } };

const maps = (fields: object): Json => {
  const entries = Object.entries<Field<unknown>>(fields as Record<string, Field<unknown>>);
  return {
    type: 'array',
    items: {
      type: 'object',
      additionalProperties: false,
      required: entries.filter(([, field]) => !('otherwise' in field)).map(([name]) => name),
      properties: Object.fromEntries(entries.map(([name, { doc }]) => [name, { description: `${doc}.` }])),
    },
  };
};

/** JSON Schema cannot say everything that formats.ts says; where it cannot, it is the wider of the two. */
const shapes: Readonly<Record<string, (key: Key) => Json>> = {
  choice: ({ rule }) => ({ enum: rule.choices }),
  switch: () => ({ type: 'boolean' }),
  count: whole,
  size: (key) => ({ anyOf: [whole(key), { type: 'string', pattern: '^[0-9]+([KMG]iB)?$' }] }),
  duration: () => ({ anyOf: [{ const: 0 }, { type: 'string', pattern: '^([0-9]+(ms|s|m|h)|0)$' }] }),
  'tcp-port': () => ({ type: 'integer', minimum: 0, maximum: 65535 }),
  host: () => ({ type: 'string', minLength: 1 }),
  path: ({ rule }) => {
    const path = { ...absolute, ...(rule.maxBytes && { maxLength: rule.maxBytes }) };
    return rule.keyword === undefined ? path : { anyOf: [{ const: rule.keyword }, path] };
  },
  selectors: ({ rule }) => ({
    type: 'array',
    maxItems: rule.max,
    items: { type: 'string', pattern: '^\\s*(program|exe|cgroup|port|cidr|user):\\S+(\\s+(program|exe|cgroup|port|cidr|user):\\S+)*\\s*$' },
  }),
  weights: ({ rule }) => ({ type: 'array', maxItems: rule.max, items: { type: 'string', pattern: '^.+\\s*=\\s*\\d{1,4}$' } }),
  group: () => ({ type: ['string', 'integer'] }),
  name: ({ rule }) => ({ type: 'string', ...(rule.keyword === undefined && { minLength: 1 }), maxLength: 63 }),
  address: () => ({ type: 'string', minLength: 1 }),
  node: () => ({ type: 'string', minLength: 1, maxLength: 253 }),
  'api-server': () => ({ type: 'string', pattern: '^(https?://.+)?$' }),
  paths: () => ({ type: 'array', items: absolute }),
  'nats-servers': () => ({ type: 'array', items: { type: 'string', minLength: 1 } }),
  services: () => maps(serviceFields),
  tuning: () => maps(tuningFields),
  frontdoors: () => maps(frontdoorFields),
  'file-mode': () => ({ type: 'string', pattern: '^0?[0-7]{3}$' }),
};

// As written in a file: "256KiB", but 9464 and true.
const written = (key: Key): unknown => {
  if (typeof key.default === 'object') return key.default;
  const text = key.format.show(key.default);
  return text === String(key.default) ? key.default : text;
};

function property(key: Key): Json {
  const shape = shapes[key.formatName];
  if (!shape) throw new Error(`No JSON Schema for format ${key.formatName}.`);
  return {
    description: key.doc,
    ...shape(key),
    default: written(key),
    'x-env-var': key.env,
    'x-flag': key.flag,
    'x-applied-on': key.appliedOn === 'hot' ? 'reload' : 'restart',
  };
}

const section = (): Json & { properties: Json } => ({
  type: ['object', 'null'],
  additionalProperties: false,
  properties: {},
});

export function jsonSchema(): Json {
  const root = section();
  for (const key of keys) {
    const parts = key.name.split('.');
    const last = parts.pop() ?? '';
    let node = root;
    for (const part of parts) node = (node.properties[part] ??= section()) as typeof root;
    node.properties[last] = property(key);
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Sidestep configuration',
    ...root,
  };
}
