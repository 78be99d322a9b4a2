/**
 * Who a process is. The file behind /proc/<pid>/exe is the executable that runs, whatever has happened to its path
 * since. Processes end while they are looked at, so what is theirs is opened in one go, before anything is waited for.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, read, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutableFile } from '../datapath/types.js';
import { buildIdOf } from './elf.js';
import { isInterpreter } from './interpreters.js';
import { placeOf } from './place.js';

export interface Executable extends ExecutableFile {
  readonly program: string;
  readonly path: string;
  readonly interpreter: boolean;
}

/** Whoever has it must give it to `identify`, which closes it. */
export interface OpenExecutable {
  readonly file: number;
  readonly path: string;
}

/** A file that is larger is not worth its reading. */
const mostBytes = 1024 ** 3;
/** Most bytes of the files that a command line names. */
const mostScript = 64 * 1024 ** 2;
const mostRemembered = 1024;
const readFrom = promisify(read);

function orElse<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}

/** A FIFO in place of a file must not hold us. */
const openedAt = (path: string): number | undefined =>
  orElse<number | undefined>(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), undefined);

/** Adds what is in the file. False: it is no regular file, or too large. */
async function digest(file: number, hash: Hash, most: number): Promise<boolean> {
  const stat = fstatSync(file);
  if (!stat.isFile() || stat.size > most) return false;
  const buffer = Buffer.alloc(1 << 20);
  for (let at = 0; ;) {
    const { bytesRead } = await readFrom(file, buffer, 0, buffer.length, at);
    if (bytesRead === 0) return true;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

async function programOf(file: number): Promise<string | undefined> {
  const id = buildIdOf(file);
  if (id !== undefined) return `buildid:${id}`;
  const hash = createHash('sha256');
  return (await digest(file, hash, mostBytes)) ? `sha256:${hash.digest('hex')}` : undefined;
}

export class Identifier {
  /** By what stat(2) says of the file: a program is read once. */
  readonly #programs = new Map<string, string>();

  constructor(private readonly proc = '/proc') {}

  /** The executable of a process, while that is there. */
  open(pid: number): OpenExecutable | undefined {
    const link = join(this.proc, String(pid), 'exe');
    const path = orElse(() => readlinkSync(link), '').replace(/ \(deleted\)$/, '');
    const file = openedAt(link);
    return file === undefined ? undefined : { file, path };
  }

  /** '' when nobody can tell. */
  place(pid: number): string {
    const text = orElse(() => readFileSync(join(this.proc, String(pid), 'cgroup'), 'utf8'), '');
    const path = /^0::(.*)$/m.exec(text)?.[1] ?? '';
    return placeOf(path.replace(/ \(deleted\)$/, ''));
  }

  /** The executable at a path. */
  async at(path: string): Promise<Executable | undefined> {
    const file = openedAt(path);
    return file === undefined ? undefined : this.identify({ file, path });
  }

  async identify({ file, path }: OpenExecutable): Promise<Executable | undefined> {
    try {
      const { ino, dev, ctimeNs } = fstatSync(file, { bigint: true });
      const [exeInode, exeDev, exeChanged] = [String(ino), String(dev), String(ctimeNs)];
      const key = `${exeDev} ${exeInode} ${exeChanged}`;
      const program = this.#programs.get(key) ?? (await programOf(file));
      if (program === undefined) return undefined;
      this.#remember(key, program);
      return { program, path, interpreter: isInterpreter(basename(path)), exeInode, exeDev, exeChanged };
    } catch {
      // A directory, or a device that cannot be read: no executable.
      return undefined;
    } finally {
      closeSync(file);
    }
  }

  /**
   * SHA-256 of what an interpreter was told to run: its command line, and what is in the files that this names. Where
   * it names none (`-c`, `-m`, a class path) the command line does not say what runs: undefined.
   */
  async script(pid: number): Promise<string | undefined> {
    const folder = join(this.proc, String(pid));
    const line = orElse(() => readFileSync(join(folder, 'cmdline'), 'utf8'), '');
    const cwd = orElse(() => readlinkSync(join(folder, 'cwd')), '/');
    const hash = createHash('sha256').update(line);
    const named = line.split('\0').slice(1, 64).filter((argument) => argument !== '' && !argument.startsWith('-'));
    // As the process sees them: below its own root.
    const paths = named.map((argument) => join(folder, 'root', argument.startsWith('/') ? argument : join(cwd, argument)));
    const files = paths.flatMap((path) => openedAt(path) ?? []);
    try {
      let read = 0;
      for (const file of files) if (await digest(file, hash, mostScript).catch(() => false)) read++;
      return read === 0 ? undefined : hash.digest('hex');
    } finally {
      for (const file of files) closeSync(file);
    }
  }

  #remember(key: string, program: string): void {
    this.#programs.delete(key);
    this.#programs.set(key, program);
    const [oldest] = this.#programs.keys();
    if (this.#programs.size > mostRemembered && oldest !== undefined) this.#programs.delete(oldest);
  }
}
