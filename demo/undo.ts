/** What was done, to be undone in the opposite order, whatever happened in between. */

interface Step {
  readonly what: string;
  readonly undo: () => void | Promise<void>;
}

export class Undo {
  readonly #steps: Step[] = [];

  add(what: string, undo: Step['undo']): void {
    this.#steps.push({ what, undo });
  }

  /** Goes on after a step that fails. Resolves to what could not be undone, in words. */
  async all(): Promise<string[]> {
    const failures: string[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (error) {
        failures.push(`${step.what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return failures;
  }
}
