/**
 * The clock that leases run on. It stands still while the bus is not known to be alive: a host whose signs of life cannot
 * reach us has not died. Steady time only; nobody's wall clock is asked.
 */
export class LeaseClock {
  #at = 0;
  #last: number;
  #alive = false;

  constructor(private readonly steady: () => number = () => performance.now()) {
    this.#last = steady();
  }

  get now(): number {
    this.#advance();
    return this.#at;
  }

  /** Whether our own words come back to us. */
  set alive(alive: boolean) {
    this.#advance();
    this.#alive = alive;
  }

  get alive(): boolean { return this.#alive; }

  #advance(): void {
    const steady = this.steady();
    if (this.#alive) this.#at += steady - this.#last;
    this.#last = steady;
  }
}
