/** Ports as an annotation lists them: `6379, 8000-8099`. */
export interface Ports {
  readonly first: number;
  readonly last: number;
}

function parsePort(text: string): Ports | undefined {
  const [, from = '', to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  return from !== '' && first >= 1 && last <= 65_535 && first <= last ? { first, last } : undefined;
}

/** Undefined: the text is no list of ports. */
export function parsePorts(text: string): Ports[] | undefined {
  const ports = text.split(',').map((one) => parsePort(one.trim()));
  return ports.every((one) => one !== undefined) ? ports : undefined;
}
