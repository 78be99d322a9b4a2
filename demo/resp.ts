/** Just enough of the Redis protocol (RESP2) to write values and to read them back. */

export function encode(...words: readonly (string | Buffer)[]): Buffer {
  const parts = words.flatMap((word) => {
    const bytes = Buffer.from(word);
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}

/** A bulk reply is its bytes, null when there is no such key; a simple reply is its text. */
export type Reply = Buffer | string | null;

export class ReplyReader {
  #chunks: Buffer[] = [];
  #length = 0;
  /** Bytes that must be there before another look is worth while. */
  #wanted = 1;

  push(chunk: Buffer): Reply[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#wanted) return [];
    let rest = Buffer.concat(this.#chunks, this.#length);
    const replies: Reply[] = [];
    for (let next = this.#read(rest); next; next = this.#read(rest)) {
      replies.push(next.reply);
      rest = rest.subarray(next.size);
    }
    this.#chunks = [rest];
    this.#length = rest.length;
    return replies;
  }

  #read(data: Buffer): { reply: Reply; size: number } | undefined {
    this.#wanted = data.length + 1;
    const end = data.indexOf('\r\n');
    if (end < 0) return undefined;
    const line = data.toString('latin1', 1, end);
    const start = end + 2;
    switch (data.toString('latin1', 0, 1)) {
      case '+': return { reply: line, size: start };
      case '-': throw new Error(`redis-server answers: ${line}`);
      case '$': break;
      default: throw new Error(`no reply that was asked for: ${data.toString('latin1', 0, end)}`);
    }
    const length = Number(line);
    if (length < 0) return { reply: null, size: start };
    const size = start + length + 2;
    if (data.length >= size) return { reply: data.subarray(start, start + length), size };
    this.#wanted = size;
    return undefined;
  }
}
