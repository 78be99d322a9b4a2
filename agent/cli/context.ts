/** Global flags, and what commands make of them. */
import { loadConfig, type Config } from '../../config/load.js';
import { AdminClient } from '../admin/client.js';
import { socketPath } from '../admin/socket.js';
import type { Io } from './io.js';

export interface GlobalFlags {
  readonly config?: string;
  readonly runDir?: string;
}

export interface ReadFlags {
  readonly output?: 'json';
}

export type Settings = Readonly<Record<string, string>>;

/** A command does its work and returns the exit code. */
export type Run = (context: Context) => Promise<number> | number;

export class Context {
  constructor(
    readonly io: Io,
    readonly flags: GlobalFlags,
  ) {}

  /** For the agent, and for its configuration watcher, which must read the same sources. */
  sources(settings: Settings = {}): { file?: string; env: NodeJS.ProcessEnv; flags: Settings } {
    const { config, runDir } = this.flags;
    return {
      ...(config === undefined ? {} : { file: config }),
      env: this.io.env,
      flags: { ...settings, ...(runDir === undefined ? {} : { runDir }) },
    };
  }

  load(settings: Settings = {}): Config {
    return loadConfig(this.sources(settings));
  }

  /** With --run-dir the configuration is not needed, so that it need not be readable. */
  client(): AdminClient {
    return new AdminClient(socketPath(this.flags.runDir ?? this.load().runDir));
  }
}
