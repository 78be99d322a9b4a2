/** The front door as the admin API and the metrics show it. */
import type { DoorPath, FrontDoorConfig, RequestProtocol } from '../../config/frontdoor-types.js';
import type { DirectView } from './direct-types.js';
import { OUTCOME_NAMES, type BackendRow, type DoorIdentity, type DoorLook, type DoorTotals, type Outcome } from './types.js';

/** draining: it takes no more connections and has some left; shut: it was drained by hand. */
export type DoorState = 'open' | 'draining' | 'failed' | 'shut';

export interface DoorView {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly state: DoorState;
  /** Why it is not open; '' when it is. */
  readonly because: string;
  readonly service: string;
  readonly active: number;
  readonly maxConnections: number;
  readonly requests: RequestProtocol;
  readonly path: DoorPath;
  /** What goes past the door; null: nothing does. */
  readonly direct: DirectView | null;
  readonly backends: readonly BackendRow[];
}

export interface FrontDoorView extends ListenersView {
  /** Who serves; null without one. */
  readonly process: DoorIdentity | null;
  /** How often it has ended by itself since the agent started. */
  readonly restarts: number;
}

interface ListenersView {
  readonly listeners: readonly DoorView[];
  /** By name, over all listeners that ever had it. */
  readonly totals: readonly DoorTotals[];
}

/** Why a listener is not open. */
interface Missing {
  readonly failures: ReadonlyMap<string, string>;
  readonly drained: ReadonlySet<string>;
  readonly otherwise: string;
}

export function viewOf(configured: readonly FrontDoorConfig[], look: DoorLook | undefined, missing: Missing, directOf: (name: string) => DirectView | undefined = () => undefined): ListenersView {
  const rows = look?.listeners ?? [];
  const wanted = configured.map((door): DoorView => {
    const { name, address, port, service, maxConnections, requests, path } = door;
    const row = rows.find((one) => one.open && one.name === name);
    const because = row ? '' : missing.drained.has(name) ? 'drained by hand' : (missing.failures.get(name) ?? missing.otherwise);
    const state = row ? 'open' : missing.drained.has(name) ? 'shut' : 'failed';
    return { name, address, port, state, because, service, maxConnections, requests, path, direct: directOf(name) ?? null, active: row?.active ?? 0, backends: row?.backends ?? [] };
  });
  const draining = rows.filter(({ open }) => !open).map(({ name, address, port, active, backends }): DoorView =>
    ({ name, address, port, state: 'draining', because: '', service: '', maxConnections: 0, requests: 'off', path: 'copy', direct: null, active, backends }));
  return { listeners: [...wanted, ...draining], totals: look?.totals ?? [] };
}

/** Those that nobody served. */
export const REFUSED: readonly Outcome[] = ['no_backend', 'connect_failed', 'bad_header', 'denied', 'over_limit', 'no_descriptors'];
export const ended = (outcomes: DoorTotals['outcomes']): number => OUTCOME_NAMES.reduce((sum, name) => sum + outcomes[name], 0);
