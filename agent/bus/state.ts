/** What the registry is told, and what it tells of itself. */

export interface RegistryOptions {
  readonly cluster: string;
  readonly host: string;
  readonly reassertMs: number;
  readonly leaseMs: number;
  /** Between two full comparisons. */
  readonly compareMs: number;
  /** Between two writes of a record that has not changed: the bucket forgets what nobody writes. */
  readonly rewriteMs: number;
}

export interface RegistryState {
  readonly state: 'connecting' | 'syncing' | 'synced' | 'degraded';
  readonly server: string;
  /** Why not synced. */
  readonly detail: string;
  readonly hosts: number;
  /** Records of this host, and those that the bus does not have yet. */
  readonly published: number;
  readonly unpublished: number;
  readonly received: number;
  readonly rejected: number;
  readonly held: number;
  readonly reconnects: number;
  readonly compares: number;
  /** Times that a host stood for more records than were here. */
  readonly mismatches: number;
  /** Since the last entry, in milliseconds; undefined: none yet. */
  readonly quietMs: number | undefined;
}
