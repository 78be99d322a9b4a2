/** What was switched off by hand. Kept in `runDir`: a restart of the agent keeps it, a boot of the host forgets it. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSelector } from '../../config/selector.js';

export interface Switches {
  /** Nothing at all is accelerated. */
  readonly all: boolean;
  /** Selectors. */
  readonly disabled: readonly string[];
}

const NONE: Switches = { all: false, disabled: [] };
const VERSION = 1;

export class SwitchFile {
  readonly path: string;

  constructor(runDir: string) {
    this.path = join(runDir, 'switches.json');
  }

  /** A file that makes no sense counts as none; `complain` gets to know. */
  read(complain: (path: string) => void): Switches {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') complain(this.path);
      return NONE;
    }
    const read = parse(text);
    if (!read) complain(this.path);
    return read ?? NONE;
  }

  write(switches: Switches): void {
    if (!switches.all && switches.disabled.length === 0) {
      rmSync(this.path, { force: true });
      return;
    }
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o755 });
    const aside = `${this.path}.new`;
    writeFileSync(aside, `${JSON.stringify({ version: VERSION, ...switches })}\n`, { mode: 0o600 });
    renameSync(aside, this.path);
  }
}

function parse(text: string): Switches | undefined {
  try {
    const { version, all, disabled } = JSON.parse(text) as Record<string, unknown>;
    const good = version === VERSION && typeof all === 'boolean' && Array.isArray(disabled) &&
      disabled.every((entry) => typeof entry === 'string' && typeof parseSelector(entry) !== 'string');
    return good ? { all, disabled: disabled as string[] } : undefined;
  } catch {
    return undefined;
  }
}
