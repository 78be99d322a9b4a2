/** All parts, masked, and the manifest that says what is there, what is not, and what was masked. */
import { createHash } from 'node:crypto';
import { API_VERSION, type Versioned } from '../admin/objects.js';
import { describeError } from '../errors.js';
import { version } from '../version.js';
import type { Masked, Masker } from './mask.js';
import type { Part, Sources } from './parts.js';

export interface Manifest extends Versioned {
  format: 'sidestep-bugreport';
  version: string;
  createdAt: string;
  /** How often something was masked. `pseudonyms` false: addresses and names were left as they are. */
  masked: Masked & { pseudonyms: boolean };
  files: { file: string; bytes: number; sha256: string }[];
  /** What could not be had, and why. */
  missing: { file: string; because: string }[];
}

export interface Report {
  readonly manifest: Manifest;
  /** Contents by file, manifest.json among them. */
  readonly files: ReadonlyMap<string, string>;
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

export async function gather(parts: readonly Part[], sources: Sources, masker: Masker, pseudonyms: boolean): Promise<Report> {
  const files = new Map<string, string>();
  const missing: Manifest['missing'] = [];
  for (const { file, gather: look } of parts) {
    try {
      const found = await look(sources);
      files.set(file, typeof found === 'string' ? masker.text(found) : json(masker.value(found)));
    } catch (error) {
      missing.push({ file, because: masker.text(describeError(error).message) });
    }
  }
  const manifest: Manifest = {
    apiVersion: API_VERSION, format: 'sidestep-bugreport', version, createdAt: new Date().toISOString(),
    masked: { pseudonyms, ...masker.counts },
    files: [...files].map(([file, text]) => ({ file, bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') })),
    missing,
  };
  files.set('manifest.json', json(manifest));
  return { manifest, files };
}
