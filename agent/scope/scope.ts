/** The rules in force: applies them, follows the names in them, and says which one decided. */
import type { Config } from '../../config/load.js';
import { parseSelector } from '../../config/selector.js';
import type { Datapath, Pair, ScopeRule, Standing } from '../datapath/types.js';
import { SidestepError } from '../errors.js';
import type { Log } from '../log.js';
import { AnnotatedFile, isAnnotation, type Annotated } from './annotated.js';
import { resolveRule, type HostNames, type Resolved } from './resolve.js';
import { rulesOf, type Rule } from './rules.js';
import { SwitchFile, type Switches } from './switches.js';

/** Milliseconds between two looks at the files, cgroups and users that rules name. */
const FOLLOW_MS = 1000;

/** Most rules at once; the kernel asks each of them for each connection. */
const MOST = 128;

export interface RuleView extends Pick<Rule, 'effect' | 'text' | 'origin'> {
  /** Terms that name nothing at present; a rule with one of them matches nothing. */
  readonly absent: readonly string[];
}

export class Scope {
  #config: Config;
  #switches: Switches;
  #rules: readonly Rule[] = [];
  #resolved: readonly Resolved[] = [];
  #datapath: Datapath | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #file: SwitchFile;
  readonly #annotatedFile: AnnotatedFile;
  #annotated: readonly Annotated[];
  #warnedOf = 0;

  constructor(
    config: Config,
    private readonly names: HostNames,
    private readonly log: Log,
  ) {
    this.#config = config;
    this.#file = new SwitchFile(config.runDir);
    this.#annotatedFile = new AnnotatedFile(config.runDir);
    this.#annotated = config.kubernetes.enabled ? this.#annotatedFile.read() : [];
    this.#switches = this.#file.read((path) => { log.warn('what was switched off by hand cannot be read; all of it is on', { path }); });
    this.#take(config, this.#switches);
  }

  /** What a datapath starts with. */
  get standing(): Standing {
    return { enabled: this.#config.datapath.enabled && !this.#switches.all, rules: this.#resolved.map(({ rule }) => rule) };
  }

  get switches(): Switches { return this.#switches; }

  /** What pods ask for and found no room beside the others. */
  get crowded(): readonly Annotated[] { return this.#annotated.slice(this.#rules.filter(isAnnotation).length); }

  rules(): RuleView[] {
    return this.#rules.map(({ effect, text, origin }, index) => ({ effect, text, origin, absent: this.#resolved[index]?.absent ?? [] }));
  }

  /** The rule that decided about a pair, where one did. */
  decided({ selector }: Pick<Pair, 'selector'>): RuleView | undefined { return this.rules()[selector]; }

  start(datapath: Datapath): void {
    this.#datapath = datapath;
    this.#timer = setInterval(() => { this.#follow(); }, FOLLOW_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#datapath = undefined;
  }

  configure(config: Config): void {
    this.#change(config, this.#switches);
  }

  /** Who asks by annotation to be left alone: all of them. */
  annotate(annotated: readonly Annotated[]): void {
    const before = this.#annotated;
    if (JSON.stringify(before) === JSON.stringify(annotated)) return;
    this.#annotated = annotated;
    try {
      this.#change(this.#config, this.#switches);
    } catch (error) {
      this.#annotated = before;
      this.#take(this.#config, this.#switches);
      throw error;
    }
    this.#annotatedFile.write(annotated);
    this.log.info('pods that ask to be left alone', { rules: annotated.map(({ effect, text, origin }) => `${effect} ${text} (${origin})`) });
  }

  /** Without a selector: everything. Redirecting stops before this returns; the pairs leave the map when they are drained. */
  disable(selector: string | undefined): void {
    const { all, disabled } = this.#switches;
    if (selector === undefined) this.#switch({ all: true, disabled });
    else if (!disabled.includes(valid(selector))) this.#switch({ all, disabled: [...disabled, selector] });
  }

  enable(selector: string | undefined): void {
    const { all, disabled } = this.#switches;
    if (selector !== undefined && !disabled.includes(selector))
      throw new SidestepError('not_found', `${selector} is not disabled; \`sidestep scope\` lists what is`);
    this.#switch(selector === undefined ? { all: false, disabled: [] } : { all, disabled: disabled.filter((one) => one !== selector) });
  }

  #switch(next: Switches): void {
    this.#change(this.#config, next);
    this.log.info('switched by hand', { all: next.all ? 'off' : 'on', disabled: [...next.disabled] });
  }

  /** All of it, or nothing. */
  #change(config: Config, switches: Switches): void {
    const before = [this.#config, this.#switches] as const;
    this.#take(config, switches);
    try {
      if (switches !== before[1]) this.#file.write(switches);
      this.#apply();
    } catch (error) {
      this.#take(...before);
      throw error;
    }
    this.#warnOfCrowd();
  }

  /** Whenever there are more of them. */
  #warnOfCrowd(): void {
    const { crowded } = this, before = this.#warnedOf;
    this.#warnedOf = crowded.length;
    if (crowded.length === 0 && before > 0) this.log.info('all pods that ask to be left alone have found room');
    if (crowded.length > before) this.log.warn('pods ask to be left alone and are accelerated: there is no room for more selectors', { most: MOST, without: crowded.length, first: crowded.slice(0, 10).map(({ origin }) => origin) });
  }

  /** Throws before anything has changed. */
  #take(config: Config, switches: Switches): void {
    const own = rulesOf(config, switches.disabled);
    if (own.length > MOST) throw new SidestepError('bad_request', `${String(own.length)} selectors, and at most ${String(MOST)} fit`);
    const rules = rulesOf(config, switches.disabled, this.#annotated.slice(0, MOST - own.length));
    const resolved = rules.map((rule) => resolveRule(rule, this.names));
    this.#report(rules, resolved);
    this.#config = config;
    this.#switches = switches;
    this.#rules = rules;
    this.#resolved = resolved;
  }

  #apply(): void {
    const { enabled, rules } = this.standing;
    this.#datapath?.applyScope(rules);
    if (this.#datapath && this.#datapath.info().enabled !== enabled) this.#datapath.setEnabled(enabled);
  }

  /** A file was replaced, a service came back in a new cgroup, a user was added. */
  #follow(): void {
    if (!this.#rules.some(({ selector: { exe, cgroup, user } }) => exe !== undefined || cgroup !== undefined || user !== undefined)) return;
    const before = this.#resolved.map(({ rule }) => rule);
    const resolved = this.#rules.map((rule) => resolveRule(rule, this.names));
    if (same(before, resolved.map(({ rule }) => rule))) return;
    this.#report(this.#rules, resolved);
    this.#resolved = resolved;
    try {
      this.#datapath?.applyScope(resolved.map(({ rule }) => rule));
    } catch (error) {
      this.log.error('the names in the selectors have changed, and the kernel could not be told', { error });
    }
  }

  /** Once for each change of what is there. */
  #report(rules: readonly Rule[], resolved: readonly Resolved[]): void {
    const known = new Set(this.#resolved.flatMap(({ absent }) => absent));
    resolved.forEach(({ absent }, index) => {
      const { text, origin } = rules[index] ?? { text: '', origin: '' };
      // The cgroup of a pod goes a moment before the pod does.
      if (isAnnotation({ origin })) return;
      const fresh = absent.filter((term) => !known.has(term));
      if (fresh.length > 0) this.log.warn('a selector matches nothing: what it names is not there', { selector: text, origin, absent: fresh });
    });
  }
}

function valid(selector: string): string {
  const found = parseSelector(selector);
  if (typeof found === 'string') throw new SidestepError('bad_request', `${JSON.stringify(selector)} is no selector: ${found}`);
  return selector;
}

const written = (rules: readonly ScopeRule[]): string =>
  JSON.stringify(rules, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
const same = (one: readonly ScopeRule[], other: readonly ScopeRule[]): boolean => written(one) === written(other);
