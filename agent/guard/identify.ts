/**
 * Who a process is. The file behind /proc/<pid>/exe is the executable that runs, whatever has happened to its path
 * since. Processes end while they are looked at, so what is theirs is opened in one go, before anything is waited for.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, open, openSync, read, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutableFile } from '../datapath/types.js';
import { buildIdOf, namesSplice } from './elf.js';
import { isInterpreter } from './interpreters.js';
import { placeOf } from './place.js';

export interface Executable extends ExecutableFile {
  readonly program: string;
  readonly path: string;
  readonly interpreter: boolean;
  /** It names splice(2): what it does with one configuration says little of what it does with another. */
  readonly splices: boolean;
}

type Build = Pick<Executable, 'program' | 'splices'>;

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
const openFrom = promisify(open);
/** Names a file without opening it (open(2)); Node does not list it. */
const O_PATH = 0o10000000;

function orElse<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}

/**
 * A regular file at a path that somebody else has chosen. Only its name is taken first: opening a device can have
 * consequences. Nothing here waits on the loop: the path may lead to a file system that does not answer.
 */
async function openedAt(path: string): Promise<number | undefined> {
  const named = await openFrom(path, O_PATH).catch(() => undefined);
  if (named === undefined) return undefined;
  try {
    return fstatSync(named).isFile() ? await openFrom(`/proc/self/fd/${named}`, constants.O_RDONLY) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(named);
  }
}

/** Adds what is in the file, and says how much that was; undefined: it is more than `most`. */
async function digest(file: number, hash: Hash, most: number): Promise<number | undefined> {
  if (fstatSync(file).size > most) return undefined;
  const buffer = Buffer.alloc(1 << 20);
  for (let at = 0; at <= most;) {
    const { bytesRead } = await readFrom(file, buffer, 0, buffer.length, at);
    if (bytesRead === 0) return at;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return undefined;
}

async function buildOf(file: number): Promise<Build | undefined> {
  const splices = await namesSplice(file);
  const id = await buildIdOf(file);
  if (id !== undefined) return { program: `buildid:${id}`, splices };
  const hash = createHash('sha256');
  return (await digest(file, hash, mostBytes)) === undefined ? undefined : { program: `sha256:${hash.digest('hex')}`, splices };
}

export class Identifier {
  /** By what stat(2) says of the file: a program is read once. */
  readonly #builds = new Map<string, Build>();

  constructor(private readonly proc = '/proc') {}

  /** The executable of a process, while that is there. */
  open(pid: number): OpenExecutable | undefined {
    const link = join(this.proc, String(pid), 'exe');
    const path = orElse(() => readlinkSync(link), '').replace(/ \(deleted\)$/, '');
    const file = orElse<number | undefined>(() => openSync(link, constants.O_RDONLY), undefined);
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
    const file = await openedAt(path);
    return file === undefined ? undefined : this.identify({ file, path });
  }

  async identify({ file, path }: OpenExecutable): Promise<Executable | undefined> {
    try {
      const { ino, dev, ctimeNs } = fstatSync(file, { bigint: true });
      const [exeInode, exeDev, exeChanged] = [String(ino), String(dev), String(ctimeNs)];
      const key = `${exeDev} ${exeInode} ${exeChanged}`;
      const build = this.#builds.get(key) ?? (await buildOf(file));
      if (build === undefined) return undefined;
      this.#remember(key, build);
      return { ...build, path, interpreter: isInterpreter(basename(path)), exeInode, exeDev, exeChanged };
    } catch {
      // It cannot be read.
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
    let files = 0;
    let left = mostScript;
    for (const argument of named) {
      // As the process sees it: below its own root.
      const file = await openedAt(join(folder, 'root', argument.startsWith('/') ? argument : join(cwd, argument)));
      if (file === undefined) continue;
      const size = await digest(file, hash, left).catch(() => undefined).finally(() => { closeSync(file); });
      // What is not seen as a whole may change unseen.
      if (size === undefined) return undefined;
      left -= size;
      files++;
    }
    return files === 0 ? undefined : hash.digest('hex');
  }

  #remember(key: string, build: Build): void {
    this.#builds.delete(key);
    this.#builds.set(key, build);
    const [oldest] = this.#builds.keys();
    if (this.#builds.size > mostRemembered && oldest !== undefined) this.#builds.delete(oldest);
  }
}
