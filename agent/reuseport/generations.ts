/** Which generation a listener belongs to. Pure. */

export interface Known {
  readonly generation: number;
  /** Process group of its process; 0 when nobody knows. */
  readonly processGroup: number;
}

/**
 * A process group that is new to the port begins a generation; one that is known keeps its own, so that a worker that
 * an old server starts anew does not count as new. Without `auto` whoever comes joins the current one.
 */
export function generationOf(newcomer: { processGroup: number }, known: readonly Known[], current: number, auto: boolean): number {
  if (!auto || newcomer.processGroup === 0) return current;
  const kin = known.filter(({ processGroup }) => processGroup === newcomer.processGroup);
  if (kin.length > 0) return Math.max(...kin.map(({ generation }) => generation));
  return known.length === 0 ? current : current + 1;
}
