/** A JSON log line as a person likes to read it. */
import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

const formats: Readonly<Record<string, Format>> = {
  trace: 'gray',
  debug: 'gray',
  info: 'green',
  warn: 'yellow',
  error: 'red',
};

function show(value: unknown): string {
  if (typeof value === 'string') return /[\s"=]/.test(value) || value === '' ? JSON.stringify(value) : value;
  return JSON.stringify(value);
}

/** An error is worth more lines than `key=value`: its message, then its stack when it is a bug. */
function showError(value: unknown): string {
  const { message, stack, code } = value as { message?: string; stack?: string; code?: string };
  const text = code === undefined ? (stack ?? message ?? show(value)) : (message ?? show(value));
  return `\n    ${text.replaceAll('\n', '\n    ')}`;
}

/** Where, what, and its fields: the part of a line that every way of showing it shares. */
export function bodyOf({ component, msg, error, ...fields }: Record<string, unknown>, key: (name: string) => string): string {
  const where = typeof component === 'string' ? `${component}: ` : '';
  const rest = Object.entries(fields).map(([name, value]) => ` ${key(name)}${show(value)}`);
  return `${where}${String(msg)}${rest.join('')}${error === undefined ? '' : showError(error)}`;
}

export function prettyLine(json: string, colour: boolean): string {
  const { level, time, ...body } = JSON.parse(json) as Record<string, unknown>;
  const paint = (format: Format, text: string): string =>
    colour ? styleText(format, text, { validateStream: false }) : text;
  const name = String(level);
  const head = `${paint('gray', String(time).slice(11, 19))} ${paint(formats[name] ?? 'red', name.padEnd(5))}`;
  return `${head} ${bodyOf(body, (name) => paint('gray', `${name}=`))}\n`;
}
