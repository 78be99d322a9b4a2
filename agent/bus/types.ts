/**
 * The bus as the registry sees it: a bucket of keys that can be written, and followed from a full picture on. One
 * implementation speaks NATS (nats.ts), one is a memory for tests (fake.ts).
 */

export interface BusEntry {
  readonly key: string;
  /** Undefined: the key was deleted. */
  readonly value: Uint8Array | undefined;
  /** When it was written, in milliseconds of the server's clock: only ever compared with others of it. */
  readonly at: number;
}

export interface WatchListener {
  entry(entry: BusEntry): void;
  /** Everything that was there when the watch began has been handed over. */
  complete(): void;
  /** The watch has ended by itself. */
  ended(error: unknown): void;
}

export interface Watch {
  stop(): void;
}

export interface BusLink {
  /** Printable; where it is connected. */
  readonly server: string;
  /** Makes sure that the bucket is there: a server may have come back without it. */
  prepare(): Promise<void>;
  /** What the bucket has under one key; undefined: nothing. */
  read(key: string): Promise<Uint8Array | undefined>;
  put(key: string, value: Uint8Array): Promise<void>;
  remove(key: string): Promise<void>;
  watch(listener: WatchListener): Promise<Watch>;
  close(): Promise<void>;
}

export interface LinkListener {
  /** The connection is away; the client tries to get it back. */
  lost(why: string): void;
  /** It is back, perhaps to another server: nothing that was known of the bucket holds. */
  regained(server: string): void;
  /** It is away for good, and has to be made anew. */
  closed(error: unknown): void;
}

export type Connect = (listener: LinkListener) => Promise<BusLink>;
