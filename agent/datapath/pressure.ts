/** How full the maps are whose overflow costs something. The others are LRU: what is pushed out is learned again. */
import type { MapInfo } from './types.js';

/** From this share on an operator should know. */
const TIGHT = 0.8;

/** What happens beyond the last entry, and the setting that makes room. */
const BOUNDED: Readonly<Record<string, { then: string; setting: string }>> = {
  pairs: { then: 'further local connections take TCP', setting: 'datapath.maxPairs' },
  sockets: { then: 'further local connections take TCP', setting: 'datapath.maxPairs' },
  edges: { then: 'further service edges are counted together, without names', setting: 'datapath.maxEdges' },
};

export interface Pressure {
  readonly map: string;
  /** 0 to 1. */
  readonly share: number;
  readonly tight: boolean;
}

export function pressures(maps: readonly MapInfo[]): Pressure[] {
  return maps.filter(({ name }) => name in BOUNDED).map(({ name, entries, capacity }) => {
    const share = capacity === 0 ? 0 : entries / capacity;
    return { map: name, share, tight: share >= TIGHT };
  });
}

/** One sentence for each map that is tight. */
export function pressureProblems(maps: readonly MapInfo[]): string[] {
  return pressures(maps).filter(({ tight }) => tight).map(({ map, share }) => {
    const { then, setting } = BOUNDED[map] ?? { then: '', setting: '' };
    return `map ${map} is ${String(Math.floor(share * 100))} % full; when it is full, ${then}: raise ${setting}`;
  });
}
