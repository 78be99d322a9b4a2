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
export function generationOf(processGroup: number, known: readonly Known[], current: number, auto: boolean): number {
  if (!auto || processGroup === 0) return current;
  const kin = known.filter((one) => one.processGroup === processGroup);
  return kin.length > 0 ? Math.max(...kin.map(({ generation }) => generation)) : current + 1;
}
