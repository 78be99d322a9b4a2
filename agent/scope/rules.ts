/** What the configuration and the switches ask for, as one list. The kernel keeps its order. */
import { configOrigin, type Config, type ConfigKey } from '../../config/load.js';
import { parseSelector, type Selector } from '../../config/selector.js';
import type { ScopeEffect } from '../datapath/types.js';

export interface Rule {
  readonly effect: ScopeEffect;
  /** The selector as it was written. */
  readonly text: string;
  readonly selector: Selector;
  /** `file:line`, `env NAME`, `flag --x`, or `sidestep disable`. */
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

/** Exclusions by hand come first, so that they are named as what decided. */
export function rulesOf(config: Config, disabled: readonly string[]): Rule[] {
  const origins = new Map(configOrigin(config).map((entry) => [entry.key, entry.entries ?? []]));
  return [
    ...disabled.map((text) => ruleOf('exclude', text, BY_HAND)),
    ...lists.flatMap(([key, effect]) => (origins.get(key) ?? []).map(({ value, origin }) => ruleOf(effect, value, origin))),
  ];
}
