/** What the configuration and the switches ask for, as one list. The kernel keeps its order. */
import { configOrigin, type Config, type ConfigKey } from '../../config/load.js';
import { parseSelector, type Selector } from '../../config/selector.js';
import type { ScopeEffect } from '../datapath/types.js';
import type { Annotated } from './annotated.js';

export interface Rule {
  readonly effect: ScopeEffect;
  /** The selector as it was written. */
  readonly text: string;
  readonly selector: Selector;
  /** `file:line`, `env NAME`, `flag --x`, `sidestep disable`, or `annotation KEY: VALUE of pod NAMESPACE/NAME`. */
  readonly origin: string;
}

export const BY_HAND = 'sidestep disable';

const lists: readonly (readonly [ConfigKey, ScopeEffect])[] = [
  ['scope.exclude', 'exclude'],
  ['scope.include', 'include'],
  ['guard.trust', 'trust'],
  ['guard.allowBlocking', 'blocking'],
];

function ruleOf(effect: ScopeEffect, text: string, origin: string): Rule {
  const selector = parseSelector(text);
  if (typeof selector === 'string') throw new Error(`${text}: ${selector}`);
  return { effect, text, selector, origin };
}

/** Exclusions by hand come first, then those of pods, so that they are named as what decided. */
export function rulesOf(config: Config, disabled: readonly string[], annotated: readonly Annotated[] = []): Rule[] {
  const origins = new Map(configOrigin(config).map((entry) => [entry.key, entry.entries ?? []]));
  return [
    ...disabled.map((text) => ruleOf('exclude', text, BY_HAND)),
    ...annotated.map(({ effect, text, origin }) => ruleOf(effect, text, origin)),
    ...lists.flatMap(([key, effect]) => (origins.get(key) ?? []).map(({ value, origin }) => ruleOf(effect, value, origin))),
  ];
}
