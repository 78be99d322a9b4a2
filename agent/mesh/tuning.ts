/**
 * Rules for the TCP settings of connections: into the kernel, and back what became of them. What the kernel refuses is said
 * once for each rule and setting.
 */
import { TUNING_OPTIONS, type TuningConfig, type TuningOption } from '../../config/tuning-types.js';
import type { Log } from '../log.js';
import type { KernelRule, MeshKernel, RuleTally, TunedSocket } from './types.js';

export interface RuleView {
  /** Its place in the list of the configuration. */
  readonly index: number;
  readonly service: string;
  readonly connections: number;
  readonly refused: readonly { readonly option: TuningOption; readonly times: number; readonly because: string }[];
}

interface Known {
  readonly id: number;
  readonly rule: TuningConfig;
  readonly index: number;
}

const valueOf = (value: string | number | boolean): string | number => (typeof value === 'boolean' ? Number(value) : value);

/** `ecn: false` asks for nothing. */
const setOf = (rule: TuningConfig): KernelRule['set'] =>
  Object.fromEntries(TUNING_OPTIONS.flatMap((option) => {
    const value = rule[option];
    return value === null || (option === 'ecn' && value === false) ? [] : [[option, valueOf(value)]];
  }));

/** The kernel's word, and what is to be done about it where that is known. */
function because(option: TuningOption, error: string): string {
  if (option === 'congestionControl' && error.startsWith('ENOENT')) return 'the kernel has no such congestion control; load its module, tcp_ and the name';
  if (option === 'sendBuffer' && error.startsWith('ERANGE')) return 'the kernel gives less; raise net.core.wmem_max';
  if (option === 'receiveBuffer' && error.startsWith('ERANGE')) return 'the kernel gives less; raise net.core.rmem_max';
  return error;
}

export class Tuning {
  #known: readonly Known[] = [];
  #next = 1;
  readonly #said = new Set<string>();

  constructor(private readonly log: Log) {}

  /** `numbersOf`: the numbers of a service in the kernel, none when there is no such service. */
  configure(rules: readonly TuningConfig[], kernel: MeshKernel, numbersOf: (service: string) => readonly number[]): void {
    const before = new Map(this.#known.map(({ id, rule }) => [JSON.stringify(rule), id]));
    this.#known = rules.map((rule, index) => {
      const text = JSON.stringify(rule);
      const id = before.get(text) ?? this.#next++;
      // One that is there twice counts as two.
      before.delete(text);
      return { id, rule, index };
    });
    kernel.setRules(this.#known.map(({ id, rule }) => ({
      id, port: rule.port, cidr: rule.cidr, set: setOf(rule), services: rule.service === '' ? undefined : numbersOf(rule.service),
    })));
  }

  forget(): void { this.#known = []; }

  views(kernel: MeshKernel): RuleView[] {
    const tallies = new Map(kernel.tallies().map((tally) => [tally.rule, tally]));
    return this.#known.map(({ id, rule, index }) => {
      const tally: RuleTally = tallies.get(id) ?? { rule: id, connections: 0, options: {} };
      const refused = TUNING_OPTIONS.flatMap((option) => {
        const { refused: times = 0, error = '' } = tally.options[option] ?? {};
        return times === 0 ? [] : [{ option, times, because: because(option, error) }];
      });
      return { index, service: rule.service, connections: tally.connections, refused };
    });
  }

  /** Says what is new of what was refused. */
  look(kernel: MeshKernel): void {
    if (this.#known.length === 0) return;
    try {
      for (const { index, refused } of this.views(kernel)) for (const one of refused) this.#say(index, one.option, one.because);
    } catch (error) {
      this.log.debug('what became of the rules of tuning could not be read', { error });
    }
  }

  #say(index: number, option: TuningOption, why: string): void {
    const what = `${this.#known[index]?.id ?? 0} ${option}`;
    if (this.#said.has(what)) return;
    this.#said.add(what);
    this.log.warn('the kernel refuses a setting of connections', { rule: `tuning[${index}]`, setting: option, because: why });
  }

  problems(kernel: MeshKernel, isService: (name: string) => boolean): string[] {
    const unknown = this.#known.flatMap(({ rule, index }) => (rule.service === '' || isService(rule.service) ? [] : [`tuning[${index}]: there is no service ${rule.service}`]));
    const refused = this.views(kernel).flatMap((view) => view.refused.map(({ option, because: why }) => `tuning[${view.index}].${option} is refused: ${why}`));
    return [...unknown, ...refused];
  }

  /** Rules of an earlier configuration are not known any more; what they set stays. */
  indexOf(socket: TunedSocket): number | undefined {
    return this.#known.find(({ id }) => id === socket.rule)?.index;
  }
}
