import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { buildIdIn, buildIdOf, namesSplice } from '../../../agent/guard/elf.js';
import { folder } from '../../helpers/folder.js';

async function ask<T>(question: (file: number) => Promise<T>, path: string): Promise<T> {
  const file = openSync(path, 'r');
  try {
    return await question(file);
  } finally {
    closeSync(file);
  }
}

const read = (path: string): Promise<string | undefined> => ask(buildIdOf, path);
const splices = (path: string): Promise<boolean> => ask(namesSplice, path);

/** As readelf says it. */
function expected(path: string): string | undefined {
  const notes = execFileSync('readelf', ['-n', path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return /Build ID: ([0-9a-f]+)/.exec(notes)?.[1];
}

function write(bytes: Buffer | string): string {
  const path = join(folder(), 'file');
  writeFileSync(path, bytes);
  return path;
}

const compiled = (...flags: string[]): string => built('int main(void) { return 0; }', ...flags);
const built = (program: string, ...flags: string[]): string => {
  const source = write(program);
  const path = `${source}.elf`;
  execFileSync('cc', ['-xc', source, '-o', path, ...flags]);
  return path;
};

describe('the build id of an executable', () => {
  it('is the one that readelf finds, in programs of this host', async () => {
    const isElf = (path: string): boolean => statSync(path).isFile() && readFileSync(path).subarray(0, 4).toString('latin1') === '\x7fELF';
    const paths = ['/usr/bin', '/usr/sbin'].flatMap((dir) => readdirSync(dir).slice(0, 40).map((name) => join(dir, name)))
      .flatMap((path) => { try { return [realpathSync(path)]; } catch { return []; } }).filter(isElf);
    assert.ok(paths.length > 5, paths.join());
    for (const path of paths) assert.equal(await read(path), expected(path), path);
  });

  it('is the one that the linker was given, stripped or not', async () => {
    const path = compiled(`-Wl,--build-id=0x${'5eed'.repeat(10)}`);
    assert.equal(await read(path), '5eed'.repeat(10));
    execFileSync('strip', [path]);
    assert.equal(await read(path), '5eed'.repeat(10));
  });

  it('is found in a section when no segment leads to it, as Go links', async () => {
    const path = compiled(`-Wl,--build-id=0x${'5eed'.repeat(10)}`);
    const bytes = readFileSync(path);
    const [at, size, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
    for (let i = 0; i < count; i++) if (bytes.readUInt32LE(at + i * size) === 4) bytes.writeUInt32LE(0, at + i * size);
    assert.equal(await read(write(bytes)), '5eed'.repeat(10));
  });

  it('is missing where there is none: linked without, no ELF file, nothing at all', async () => {
    assert.equal(await read(compiled('-Wl,--build-id=none')), undefined);
    assert.equal(await read(write('#!/bin/sh\necho no program\n'.repeat(10))), undefined);
    assert.equal(await read(write('')), undefined);
    assert.equal(await read(write('\x7fELF')), undefined);
  });

  it('of a file that was cut or damaged is missing or some hexadecimal digits; reading it ends, and never throws', async function () {
    this.timeout(60_000);
    const good = readFileSync(compiled());
    const damage = fc.record({
      end: fc.nat(good.length),
      bytes: fc.array(fc.tuple(fc.nat(1024), fc.nat(255)), { maxLength: 20 }),
    });
    const path = write('');
    await fc.assert(fc.asyncProperty(damage, async ({ end, bytes }) => {
      const bad = Buffer.from(good.subarray(0, end));
      for (const [at, value] of bytes) if (at < bad.length) bad[at] = value;
      writeFileSync(path, bad);
      assert.match((await read(path)) ?? '', /^([0-9a-f]{2})*$/);
    }), { numRuns: 300 });
  });

  it('is found behind other notes, in both byte orders and both alignments', () => {
    const name = fc.constantFrom('GNU\0', 'Go\0\0', 'stapsdt\0', '\0', '');
    const other = fc.record({ name, type: fc.constantFrom(1, 2, 4, 5), desc: fc.uint8Array({ maxLength: 40 }) });
    fc.assert(fc.property(fc.array(other, { maxLength: 5 }), fc.uint8Array({ minLength: 4, maxLength: 64 }), fc.boolean(), fc.constantFrom(4, 8),
      (others, id, little, alignment) => {
        const notes = [...others, { name: 'GNU\0', type: 3, desc: id }].map(({ name, type, desc }) => {
          const up = (size: number): number => Math.ceil(size / alignment) * alignment;
          const start = up(12 + name.length);
          const note = Buffer.alloc(start + up(desc.length));
          const put = (value: number, at: number): number => (little ? note.writeUInt32LE(value, at) : note.writeUInt32BE(value, at));
          put(name.length, 0);
          put(desc.length, 4);
          put(type, 8);
          note.write(name, 12, 'latin1');
          note.set(desc, start);
          return note;
        });
        assert.equal(buildIdIn(Buffer.concat(notes), alignment, little), Buffer.from(id).toString('hex'));
      }));
  });
});

describe('a program that names splice(2)', () => {
  const caller = '#define _GNU_SOURCE\n#include <fcntl.h>\nint main(void) { return splice(0, 0, 1, 0, 1, 0) < 0; }';
  /** As Go keeps the names of its functions. */
  const likeGo = (section: string, name: string): string => `__attribute__((section("${section}"))) const char names[] = "\\0main.main\\0${name}\\0"; int main(void) { return 0; }`;

  it('is seen, stripped or not', async () => {
    const path = built(caller);
    assert.equal(await splices(path), true);
    execFileSync('strip', [path]);
    assert.equal(await splices(path), true);
    for (const section of ['.gopclntab', '.data.rel.ro']) assert.equal(await splices(built(likeGo(section, 'internal/poll.Splice'))), true);
  });

  it('is told from others: one that does not, one that has the word among its data, no program', async () => {
    assert.equal(await splices(compiled()), false);
    assert.equal(await splices(built(likeGo('.rodata', 'splice'))), false);
    assert.equal(await splices(built(likeGo('.gopclntab', 'internal/poll.SpliceFile'))), false);
    assert.equal(await splices(write('#!/bin/sh\nsplice\n'.repeat(10))), false);
  });

  it('that was cut or damaged is read to an end, and nothing is thrown', async function () {
    this.timeout(60_000);
    const bytes = readFileSync(built(caller));
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: bytes.length }), fc.array(fc.tuple(fc.integer({ min: 0, max: 4000 }), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }), async (length, changes) => {
      const damaged = Buffer.from(bytes.subarray(0, length));
      for (const [at, value] of changes) if (at < damaged.length && at > 5) damaged[at] = value;
      assert.equal(typeof await splices(write(damaged)), 'boolean');
    }), { numRuns: 200 });
  });
});
