/**
 * What an ELF file says of itself: the GNU build id, the linker's hash over what it wrote, which the same build has
 * everywhere, stripped or not; and whether it can splice. Reads the header, the tables of segments and sections and what they lead to, and
 * believes none of their sizes.
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

interface Piece {
  readonly kind: number;
  /** Of a section: where its name is among all names. */
  readonly name: number;
  readonly at: number;
  readonly length: number;
  readonly alignment: number;
}

interface Pieces {
  readonly little: boolean;
  readonly all: readonly Piece[];
}

/** Undefined: there is no such table, or no ELF file. */
async function piecesOf(file: number, head: Buffer, where: Table): Promise<Pieces | undefined> {
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
  const all: Piece[] = [];
  for (let at = 0; at + pick(where.size) <= table.length; at += entry)
    all.push({ kind: headers.u32(at + where.kind), name: headers.u32(at), at: field(at, where.offset), length: field(at, where.length), alignment: field(at, where.alignment) });
  return { little, all };
}

async function search(file: number, head: Buffer, where: Table): Promise<string | undefined> {
  const pieces = await piecesOf(file, head, where);
  for (const { kind, at, length, alignment } of pieces?.all ?? []) {
    const notes = kind === where.noteKind && length <= mostNotes ? await readAt(file, length, at) : undefined;
    const found = notes && buildIdIn(notes, alignment === 8 ? 8 : 4, pieces?.little ?? true);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function headOf(file: number): Promise<Buffer | undefined> {
  const head = await readAt(file, 64, 0);
  return head?.readUInt32BE(0) === 0x7f454c46 ? head : undefined;
}

/** Of an open file. Undefined: no ELF file, or one without a build id. */
export async function buildIdOf(file: number): Promise<string | undefined> {
  const head = await headOf(file);
  return head && ((await search(file, head, segments)) ?? (await search(file, head, sections)));
}

/** Where the name of splice(2) shows that it is called: among what is linked at run time, and among the functions of a Go program. */
const splicers = [
  { section: '.dynstr', name: 'splice' },
  { section: '.gopclntab', name: 'internal/poll.Splice' },
  // Where another linker than Go's has put the same.
  { section: '.data.rel.ro', name: 'internal/poll.Splice' },
] as const;
const mostNames = 256 * 1024 ** 2;
const chunk = 1 << 20;

async function holds(file: number, { at, length }: Piece, name: string): Promise<boolean> {
  const wanted = Buffer.from(`\0${name}\0`, 'latin1');
  for (let done = 0; done < Math.min(length, mostNames); done += chunk - wanted.length) {
    const part = await readAt(file, Math.min(chunk, length - done), at + done);
    if (!part) return false;
    if (part.includes(wanted)) return true;
  }
  return false;
}

/** Whether a program names splice(2), and so may call it. What calls it without a name is only seen when it does. */
export async function namesSplice(file: number): Promise<boolean> {
  const head = await headOf(file);
  const pieces = head && (await piecesOf(file, head, sections));
  if (!head || !pieces) return false;
  const names = pieces.all[readerOf(head, head[4] === 2, pieces.little).u16(head[4] === 2 ? 62 : 50)];
  const text = names && names.length <= mostNotes ? await readAt(file, names.length, names.at) : undefined;
  if (!text) return false;
  for (const piece of pieces.all) {
    const called = text.toString('latin1', piece.name, Math.max(piece.name, text.indexOf(0, piece.name)));
    const splicer = splicers.find(({ section }) => called.endsWith(section));
    if (splicer && (await holds(file, piece, splicer.name))) return true;
  }
  return false;
}
