/**
 * What leaves the host leaves through here. Secrets are taken out; addresses, and names of hosts and users, become
 * pseudonyms: the same one for the same thing within a report, and another one in the next, as the salt is thrown away.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { kindOf, replaceAddresses } from './addresses.js';
import { isSecretName, MASKED, replaceSecrets } from './secrets.js';

export interface MaskOptions {
  /** False: addresses and names stay. Secrets never do. */
  readonly pseudonyms: boolean;
  /** Names that are known, and are masked wherever they stand. */
  readonly hosts?: Iterable<string>;
  readonly users?: Iterable<string>;
  readonly salt?: Buffer;
}

export interface Masked {
  secrets: number;
  addresses: number;
  hosts: number;
  users: number;
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** Whole words out of this list; undefined when it is empty. Names that everybody has tell nothing. */
function words(names: Iterable<string>): RegExp | undefined {
  const wanted = [...new Set(names)].filter((name) => name.length > 1 && !['root', 'localhost', 'auto'].includes(name)).sort((a, b) => b.length - a.length);
  return wanted.length === 0 ? undefined : new RegExp(`(?<![\\w-])(?:${wanted.map(escape).join('|')})(?![\\w-])`, 'gi');
}

const home = /(\/(?:home|Users)\/)([^/\s"'\\:,;)]+)/g;
const userIs = /\b(user(?:name)?|login)(\\*["']?\s*[:=]\s*\\*["']?)([A-Za-z_][\w.-]*)/gi;
const mailbox = /[\w.%+-]+@[\w-]+(?:\.[\w-]+)*/g;
const unit = /\.(?:service|slice|scope|socket|mount|timer|target|device)$/;
const url = /\b([a-z][a-z0-9+.-]*:\/\/(?:\[masked\]@)?)([a-z0-9](?:[\w.-]*\w)?)/gi;

export class Masker {
  readonly counts: Masked = { secrets: 0, addresses: 0, hosts: 0, users: 0 };
  readonly #salt: Buffer;
  readonly #hosts: RegExp | undefined;
  readonly #users: RegExp | undefined;

  constructor(private readonly options: MaskOptions) {
    this.#salt = options.salt ?? randomBytes(32);
    this.#hosts = words(options.hosts ?? []);
    this.#users = words(options.users ?? []);
  }

  text(text: string): string {
    const open = replaceSecrets(text, () => { this.counts.secrets++; });
    return this.options.pseudonyms ? this.#named(replaceAddresses(open, (address) => this.#address(address))) : open;
  }

  /** Every text within; what has the name of a secret goes whatever it looks like. */
  value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((one) => this.value(one));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]: [string, unknown]) => {
      // A socket's cookie is a number that the kernel made up.
      if (typeof one === 'string' && one !== '' && isSecretName(key) && !/^\d+$/.test(one)) {
        this.counts.secrets++;
        return [key, MASKED];
      }
      if (typeof one === 'string' && one !== '' && key === 'host') return [key, this.#asHost(one)];
      return [this.options.pseudonyms ? replaceAddresses(key, (address) => this.#address(address)) : key, this.value(one)];
    }));
  }

  #named(text: string): string {
    let result = text
      .replace(home, (_, before: string, name: string) => before + this.#user(name))
      .replace(userIs, (_, key: string, is: string, name: string) => key + is + this.#user(name))
      .replace(mailbox, (all) => (unit.test(all) ? all : this.#user(all)))
      .replace(url, (_, before: string, name: string) => before + this.#asHost(name));
    if (this.#hosts) result = result.replace(this.#hosts, (name) => this.#asHost(name));
    if (this.#users) result = result.replace(this.#users, (name) => this.#user(name));
    return result;
  }

  #address(address: string): string {
    this.counts.addresses++;
    const { canonical, kind } = kindOf(address);
    return `${kind}-${this.#pseudonym(canonical)}`;
  }

  #asHost(name: string): string {
    if (!this.options.pseudonyms) return this.text(name);
    const masked = replaceAddresses(name, (address) => this.#address(address));
    if (name === 'localhost' || masked !== name || /^(?:ip[46]|mac|host)-/.test(name)) return masked;
    this.counts.hosts++;
    return `host-${this.#pseudonym(name.toLowerCase())}`;
  }

  #user(name: string): string {
    if (name === 'root' || name.startsWith('user-') || name.includes(MASKED)) return name;
    this.counts.users++;
    return `user-${this.#pseudonym(name)}`;
  }

  #pseudonym(of: string): string {
    return createHmac('sha256', this.#salt).update(of).digest('hex').slice(0, 10);
  }
}
