/** Programs, maps and links: ours, and those of others on the hooks that we use. Asked of bpftool, which only looks. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);
const mostBytes = 64 * 1024 * 1024;
const limitMs = 20_000;

/** As bpftool prints them; only what is looked at here has a type. */
export interface KernelProgram { readonly id: number; readonly type: string; readonly name?: string; readonly map_ids?: readonly number[] }
export interface KernelMap { readonly id: number; readonly name?: string }
export interface KernelLink { readonly id: number; readonly prog_id?: number }
export interface KernelObjects { readonly programs: readonly KernelProgram[]; readonly maps: readonly KernelMap[]; readonly links: readonly KernelLink[] }

const isOurs = ({ name = '' }: { readonly name?: string }): boolean => name.startsWith('sidestep');
const hooks: ReadonlySet<string> = new Set(['sock_ops', 'sk_msg', 'sk_skb', 'sk_reuseport', 'sk_lookup', 'cgroup_sock_addr', 'cgroup_sockopt', 'cgroup_sock']);

/** What has nothing to do with us is nobody's business. */
export function ofInterest({ programs, maps, links }: KernelObjects): KernelObjects {
  const kept = programs.filter((program) => isOurs(program) || hooks.has(program.type));
  const ids = new Set(kept.map(({ id }) => id));
  const used = new Set(kept.flatMap(({ map_ids: each }) => each ?? []));
  return {
    programs: kept,
    maps: maps.filter((map) => isOurs(map) || used.has(map.id)),
    links: links.filter(({ prog_id: program }) => program !== undefined && ids.has(program)),
  };
}

async function bpftool<T>(...args: readonly string[]): Promise<T> {
  try {
    const { stdout } = await run('bpftool', ['-j', ...args], { timeout: limitMs, maxBuffer: mostBytes });
    return JSON.parse(stdout === '' ? '[]' : stdout) as T;
  } catch (error) {
    const { code, stdout } = error as { code?: unknown; stdout?: string };
    if (code === 'ENOENT') throw new Error('bpftool is not installed', { cause: error });
    const [, said = (error as Error).message] = /"error":\s*"([^"]*)"/.exec(stdout ?? '') ?? [];
    throw new Error(`bpftool ${args.join(' ')}: ${said}`, { cause: error });
  }
}

export async function kernelObjects(): Promise<object> {
  const [programs, maps, links] = [await bpftool<KernelProgram[]>('prog', 'show'), await bpftool<KernelMap[]>('map', 'show'), await bpftool<KernelLink[]>('link', 'show')];
  return ofInterest({ programs, maps, links });
}

/** Names below the pin directory; they are there without an agent too. */
export function pinned(path: string): object {
  return { path, pins: readdirSync(path, { recursive: true }).map(String).sort() };
}
