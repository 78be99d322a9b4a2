/** Follows the configuration while the agent runs. A configuration that does not load changes nothing. */
import { existsSync, watch, type FSWatcher } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { diffConfig, type ConfigDiff } from './diff.js';
import { defaultFile, loadConfig, type LoadOptions } from './load.js';
import type { Config } from './types.js';

export { diffConfig, type ConfigDiff } from './diff.js';

export interface ReloadListener {
  /** `diff.restart` is against what the agent was started with, so a pending restart is not forgotten. */
  readonly onReload: (config: Config, diff: ConfigDiff) => void;
  readonly onError: (error: Error) => void;
}

const quietMs = 200;

/** The directory itself, or the lowest above it that is there. */
const nearest = (directory: string): string => (existsSync(directory) || directory === '/' ? directory : nearest(dirname(directory)));

export class ConfigWatcher {
  readonly #started: Config;
  #current: Config;
  readonly #directory: string;
  #failed = false;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    config: Config,
    private readonly options: LoadOptions,
    private readonly listener: ReloadListener,
  ) {
    this.#started = this.#current = config;
    this.#directory = resolve(dirname(options.file ?? defaultFile));
    this.#watch();
  }

  get current(): Config {
    return this.#current;
  }

  /** For SIGHUP: somebody waits for an answer, so one is given even if nothing changed. */
  reload(): void {
    this.#load(true);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /**
   * The directory, not the file: a ConfigMap mount swaps a symlink beside it, and editors rename over it. While it is not
   * there, what is above it.
   */
  #watch(): void {
    const followed = nearest(this.#directory);
    this.#watcher?.close();
    try {
      this.#watcher = watch(followed, { persistent: false }, () => {
        if (nearest(this.#directory) !== followed) this.#watch();
        else if (followed !== this.#directory) return;
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#load(false);
        }, quietMs).unref();
        this.#timer.refresh();
      });
      this.#watcher.on('error', this.listener.onError);
      // It came while this was being set up.
      if (nearest(this.#directory) !== followed) this.#watch();
    } catch (error) {
      this.listener.onError(error as Error);
    }
  }

  #load(asked: boolean): void {
    const recovered = this.#failed;
    let next: Config;
    try {
      next = loadConfig(this.options);
    } catch (error) {
      this.#failed = true;
      this.listener.onError(error as Error);
      return;
    }
    const step = diffConfig(this.#current, next);
    this.#failed = false;
    this.#current = next;
    if (asked || recovered || step.hot.length + step.restart.length > 0)
      this.listener.onReload(next, { hot: step.hot, restart: diffConfig(this.#started, next).restart });
  }
}
