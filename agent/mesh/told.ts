/** What each source, or each part of one, has said last: what it does not say again has gone. */
import type { EndpointStore, Touched } from '../endpoints/store.js';
import type { EndpointRecord } from '../endpoints/types.js';

export class Told {
  readonly #keys = new Map<string, ReadonlySet<string>>();

  constructor(private readonly store: EndpointStore) {}

  /** Everything that this one knows. */
  tell(origin: 'config' | 'local', who: string, records: readonly EndpointRecord[]): Touched[] {
    const wanted = new Map(records.map((record) => [`${who}/${record.service}/${record.address}/${String(record.port)}`, record]));
    const gone = [...(this.#keys.get(who) ?? [])].filter((key) => !wanted.has(key));
    const touched = gone.flatMap((key) => this.store.remove(key));
    for (const [key, record] of wanted) touched.push(...this.store.put(key, record, origin));
    if (wanted.size > 0) this.#keys.set(who, new Set(wanted.keys()));
    else this.#keys.delete(who);
    return touched;
  }
}
