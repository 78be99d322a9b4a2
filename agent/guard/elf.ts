/**
 * The GNU build id of an ELF file: the linker's hash over what it wrote, kept in a note. The same build has it
 * everywhere, stripped or not. Reads the header, the tables of segments and sections and the notes, and believes none
 * of their sizes.
 */
import { read } from 'node:fs';
import { promisify } from 'node:util';

const NT_GNU_BUILD_ID = 3;
const readFrom = promisify(read);
/** No executable that is loaded has more of either. */
const mostHeaders = 4096;
const mostNotes = 64 * 1024;

interface Reader {
  readonly u16: (at: number) => number;
  readonly u32: (at: number) => number;
  /** An address or an offset: four or eight bytes. NaN when it is too large to be one. */
  readonly word: (at32: number, at64: number) => number;
}

function readerOf(bytes: Buffer, wide: boolean, little: boolean): Reader {
  const word64 = (at: number): number => {
    const value = little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at);
    return value <= Number.MAX_SAFE_INTEGER ? Number(value) : NaN;
  };
  const u32 = (at: number): number => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  return {
    u16: (at) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)),
    u32,
    word: (at32, at64) => (wide ? word64(at64) : u32(at32)),
  };
}

async function readAt(file: number, size: number, at: number): Promise<Buffer | undefined> {
  if (!Number.isSafeInteger(at)) return undefined;
  const { bytesRead, buffer } = await readFrom(file, Buffer.alloc(size), 0, size, at);
  return bytesRead === size ? buffer : undefined;
}

/** The build id among the notes of one segment. */
export function buildIdIn(notes: Buffer, alignment: number, little: boolean): string | undefined {
  const { u32 } = readerOf(notes, false, little);
  const up = (size: number): number => Math.ceil(size / alignment) * alignment;
  for (let at = 0; at + 12 <= notes.length;) {
    const [nameSize, size, type] = [u32(at), u32(at + 4), u32(at + 8)];
    const start = at + up(12 + nameSize);
    if (start + size > notes.length) return undefined;
    const isOurs = type === NT_GNU_BUILD_ID && notes.toString('latin1', at + 12, at + 12 + nameSize) === 'GNU\0';
    if (isOurs && size >= 4 && size <= 64) return notes.toString('hex', start, start + size);
    at = start + up(size);
  }
  return undefined;
}

/** A table that says where the notes are. Each place is one in 32-bit files, and one in 64-bit files. */
interface Table {
  readonly at: readonly [number, number];
  readonly entrySize: readonly [number, number];
  readonly count: readonly [number, number];
  /** Smallest entry that has everything. */
  readonly size: readonly [number, number];
  /** Within an entry. */
  readonly kind: number;
  readonly noteKind: number;
  readonly offset: readonly [number, number];
  readonly length: readonly [number, number];
  readonly alignment: readonly [number, number];
}

const segments: Table = {
  at: [28, 32], entrySize: [42, 54], count: [44, 56], size: [32, 56],
  kind: 0, noteKind: 4, offset: [4, 8], length: [16, 32], alignment: [28, 48],
};
/** Go's linker has the id in a section only, in no segment of notes. */
const sections: Table = {
  at: [32, 40], entrySize: [46, 58], count: [48, 60], size: [40, 64],
  kind: 4, noteKind: 7, offset: [16, 24], length: [20, 32], alignment: [32, 48],
};

async function search(file: number, head: Buffer, where: Table): Promise<string | undefined> {
  const wide = head[4] === 2;
  const little = head[5] === 1;
  const pick = ([narrow, broad]: readonly [number, number]): number => (wide ? broad : narrow);
  const { word, u16 } = readerOf(head, wide, little);
  const [entry, count] = [u16(pick(where.entrySize)), u16(pick(where.count))];
  if (entry < pick(where.size) || count > mostHeaders) return undefined;
  const table = await readAt(file, entry * count, word(...where.at));
  if (!table) return undefined;
  const headers = readerOf(table, wide, little);
  const field = (at: number, [narrow, broad]: readonly [number, number]): number => headers.word(at + narrow, at + broad);
  for (let at = 0; at + pick(where.size) <= table.length; at += entry) {
    if (headers.u32(at + where.kind) !== where.noteKind) continue;
    const length = field(at, where.length);
    const notes = length <= mostNotes ? await readAt(file, length, field(at, where.offset)) : undefined;
    const found = notes && buildIdIn(notes, field(at, where.alignment) === 8 ? 8 : 4, little);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Of an open file. Undefined: no ELF file, or one without a build id. */
export async function buildIdOf(file: number): Promise<string | undefined> {
  const head = await readAt(file, 64, 0);
  if (!head || head.readUInt32BE(0) !== 0x7f454c46) return undefined;
  return (await search(file, head, segments)) ?? (await search(file, head, sections));
}
