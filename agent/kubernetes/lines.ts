/** Whole lines out of pieces. What is left when the stream ends was cut off, and is nobody's. */

/** No object of Kubernetes is larger: etcd takes 1.5 MiB by default, and its JSON is of the same order. */
const longest = 16 * 1024 * 1024;

export class Lines {
  #pieces: string[] = [];
  #length = 0;

  constructor(private readonly limit = longest) {}

  take(chunk: string): string[] {
    const [first = '', ...others] = chunk.split('\n');
    this.#add(first);
    const lines: string[] = [];
    for (const other of others) {
      lines.push(this.#pieces.join(''));
      this.#pieces = [];
      this.#length = 0;
      this.#add(other);
    }
    return lines.filter((line) => line.trim() !== '');
  }

  #add(piece: string): void {
    this.#length += piece.length;
    if (this.#length > this.limit) throw new Error(`a line is over ${String(this.limit)} characters`);
    this.#pieces.push(piece);
  }
}
