/**
 * Secrets in a text, by what they look like and by what stands before them. Sidestep keeps none in its configuration, but
 * lines of a log and refused settings can hold anything. What might be one is taken for one.
 */
export const MASKED = '[masked]';

const word = 'passw(?:or)?d|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential|cookie|jwt|nkey|seed|signature';
const name = `[\\w.-]*(?:${word})[\\w-]*`;
// `key = value`, also as JSON, and as JSON within JSON, whose quotes have backslashes.
const separator = String.raw`\\*["']?\s*[:=]\s*`;
const quoted = String.raw`(?<slashes>\\*)(?<quote>["'])(?:(?!(?<!\\)\k<slashes>\k<quote>)[^])*?(?<!\\)\k<slashes>\k<quote>`;
const unclosed = String.raw`\\*["'][^\n]*`;
const bare = String.raw`[^\s,;&"'}\])\\]+`;
const assigned = new RegExp(`(?<key>${name})(?<is>${separator})(?<value>${quoted}|${unclosed}|${bare})`, 'gi');

export const isSecretName = (key: string): boolean => new RegExp(`^${name}$`, 'i').test(key) || /^authorization$/i.test(key);

// A path says where a secret is, a number is the kernel's name of a socket, and these say that there is none.
const harmless = /^(?:\\*["'])?(?:\/[\w./-]*|\d+|true|false|null|\[masked\]?|)(?:\\*["'])?$/;

const block = /-----BEGIN [^-\n]*-----[^]*?(?:-----+END [^-\n]*-----+|$)/g;

const shapes: readonly RegExp[] = [
  // What is left of such a block when its first lines are not there: whole lines of base64. A hash is of small hex digits.
  /^(?![0-9a-f]+$)[A-Za-z0-9+/]{60,76}={0,2}$/gm,
  /\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g,
  // A seed of an NKey.
  /\bS[ACNOUX][A-Z2-7]{50,}\b/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  // Long and of capital letters, small ones and digits: no name, no path, no hash.
  /(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{32,}={0,2}/g,
];

export function replaceSecrets(text: string, count: () => void): string {
  const masked = (): string => {
    count();
    return MASKED;
  };
  const assign = (...args: unknown[]): string => {
    const { key = '', is = '', value = '', slashes = '', quote = '' } = args.at(-1) as Record<string, string | undefined>;
    if (harmless.test(value)) return String(args[0]);
    return `${key}${is}${slashes}${quote}${masked()}${slashes}${quote}`;
  };
  // Whole blocks first, then whole values: a part that was taken out would hide where the rest ends.
  const result = text
    .replace(block, masked)
    .replace(assigned, assign)
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/"'<>]*@/gi, (_, scheme: string) => `${scheme}${masked()}@`)
    .replace(/(?<![\w/])[\w.%+-]+:[^\s:@/"']+@(?=[\w[])/g, () => `${masked()}@`)
    .replace(/(authorization\\*["']?\s*[:=]\s*\\*["']?)[^\n"'\\]+/gi, (_, before: string) => before + masked())
    .replace(/\b(bearer)\s+[\w.~+/=-]+/gi, (_, scheme: string) => `${scheme} ${masked()}`);
  return shapes.reduce((rest, shape) => rest.replace(shape, masked), result);
}
