/** Everything that is wrong with a configuration, at once. */
export interface Problem {
  /** `file:line:column`, `env SIDESTEP_X` or `flag --x`. */
  readonly where: string;
  /** Dotted key; empty when the problem is not about one key. */
  readonly key: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'a problem' : `${String(problems.length)} problems`;
    const lines = problems.map(({ where, key, message, hint }) => {
      return `  ${where}: ${key === '' ? '' : `${key}: `}${message}\n    ${hint}`;
    });
    super(`The configuration has ${count}:\n${lines.join('\n')}`);
  }
}
