/**
 * Who a process is. The file behind /proc/<pid>/exe is the executable that runs, whatever has happened to its path
 * since. Processes end while they are looked at: then nobody can tell, and nothing is kept.
 */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readFile, readlink, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ExecutableFile } from '../datapath/types.js';
import { buildIdOf } from './elf.js';
import { isInterpreter } from './interpreters.js';
import { placeOf } from './place.js';

export interface Executable extends ExecutableFile {
  readonly program: string;
  readonly path: string;
  readonly interpreter: boolean;
}

/** A file that is larger is not worth its reading. */
const mostBytes = 1024 ** 3;
/** Most bytes of the files that a command line names. */
const mostScript = 64 * 1024 ** 2;
const mostRemembered = 1024;

/** Adds what is in the file. False: it is no regular file, or too large. */
async function digest(file: FileHandle, hash: Hash, most: number): Promise<boolean> {
  const stat = await file.stat();
  if (!stat.isFile() || stat.size > most) return false;
  const buffer = Buffer.alloc(1 << 20);
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return true;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** A FIFO in place of a file must not hold us. */
async function opened<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return await use(file);
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}

export class Identifier {
  /** By what stat(2) says of the file: a program is read once. */
  readonly #programs = new Map<string, string>();

  constructor(private readonly proc = '/proc') {}

  /** The executable of a process. */
  async executable(pid: number): Promise<Executable | undefined> {
    const link = join(this.proc, String(pid), 'exe');
    const path = await readlink(link).catch(() => '');
    return path === '' ? undefined : this.#read(link, path.replace(/ \(deleted\)$/, ''));
  }

  /** The executable at a path. */
  at(path: string): Promise<Executable | undefined> {
    return this.#read(path, path);
  }

  /**
   * SHA-256 of what an interpreter was told to run: its command line, and what is in the files that this names. Where
   * it names none (`-c`, `-m`, a class path) the command line does not say what runs: undefined.
   */
  async script(pid: number): Promise<string | undefined> {
    const folder = join(this.proc, String(pid));
    const line = await readFile(join(folder, 'cmdline'), 'utf8').catch(() => '');
    const cwd = await readlink(join(folder, 'cwd')).catch(() => '/');
    const hash = createHash('sha256').update(line);
    let files = 0;
    for (const argument of line.split('\0').slice(1, 64)) {
      if (argument === '' || argument.startsWith('-')) continue;
      // As the process sees it: below its own root.
      const path = join(folder, 'root', argument.startsWith('/') ? argument : join(cwd, argument));
      if ((await opened(path, (file) => digest(file, hash, mostScript))) === true) files++;
    }
    return files === 0 ? undefined : hash.digest('hex');
  }

  /** '' when nobody can tell. */
  async place(pid: number): Promise<string> {
    const text = await readFile(join(this.proc, String(pid), 'cgroup'), 'utf8').catch(() => '');
    const path = /^0::(.*)$/m.exec(text)?.[1] ?? '';
    return placeOf(path.replace(/ \(deleted\)$/, ''));
  }

  async #read(link: string, path: string): Promise<Executable | undefined> {
    return opened(link, async (file) => {
      const { ino, dev, ctimeNs } = await file.stat({ bigint: true });
      const [exeInode, exeDev, exeChanged] = [String(ino), String(dev), String(ctimeNs)];
      const key = `${exeDev} ${exeInode} ${exeChanged}`;
      const program = this.#programs.get(key) ?? (await programOf(file));
      if (program === undefined) return undefined;
      this.#remember(key, program);
      return { program, path, interpreter: isInterpreter(basename(path)), exeInode, exeDev, exeChanged };
    });
  }

  #remember(key: string, program: string): void {
    this.#programs.delete(key);
    this.#programs.set(key, program);
    const [oldest] = this.#programs.keys();
    if (this.#programs.size > mostRemembered && oldest !== undefined) this.#programs.delete(oldest);
  }
}

async function programOf(file: FileHandle): Promise<string | undefined> {
  const id = await buildIdOf(file);
  if (id !== undefined) return `buildid:${id}`;
  const hash = createHash('sha256');
  return (await digest(file, hash, mostBytes)) ? `sha256:${hash.digest('hex')}` : undefined;
}
