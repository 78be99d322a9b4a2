/**
 * Numbers of services and endpoints in the kernel. A number stands for one thing for ever, so that a socket that carries
 * it can never be taken for somebody else's; what an earlier agent numbered keeps its number, and its counts.
 */
import type { Found } from './types.js';

const endpointName = (service: number, member: string): string => `${service} ${member}`;

export class Numbers {
  readonly #endpoints = new Map<string, number>();
  readonly #services = new Map<string, number>();
  /** Left without an endpoint; their counts may still be needed. */
  readonly #retired = new Map<number, string>();
  #nextEndpoint = 1;
  #nextService = 1;

  constructor(found: Found, nameOf: (service: number) => string | undefined, member: (address: string, port: number) => string) {
    for (const { service } of found.vips) {
      const name = nameOf(service);
      if (name !== undefined) this.#services.set(name, service);
      this.#nextService = Math.max(this.#nextService, service + 1);
    }
    for (const { number, service, address, port } of found.endpoints) {
      this.#endpoints.set(endpointName(service, member(address, port)), number);
      this.#nextEndpoint = Math.max(this.#nextEndpoint, number + 1);
    }
  }

  /** `left`: one that its address has in the kernel already. */
  service(name: string, left?: number): number {
    const isFree = left !== undefined && ![...this.#services.values()].includes(left);
    const number = this.#services.get(name) ?? (isFree ? left : this.#nextService);
    this.#services.set(name, number);
    this.#nextService = Math.max(this.#nextService, number + 1);
    return number;
  }

  forgetService(name: string): void {
    this.#services.delete(name);
  }

  endpoint(service: number, member: string): number {
    const name = endpointName(service, member);
    const known = this.#endpoints.get(name);
    if (known !== undefined) {
      this.#retired.delete(known);
      return known;
    }
    this.#endpoints.set(name, this.#nextEndpoint);
    return this.#nextEndpoint++;
  }

  retire(service: number, member: string): void {
    const name = endpointName(service, member);
    const number = this.#endpoints.get(name);
    if (number !== undefined) this.#retired.set(number, name);
  }

  get retired(): number[] { return [...this.#retired.keys()]; }

  /** No connection carries it any more. */
  forget(number: number): void {
    const name = this.#retired.get(number);
    if (name === undefined) return;
    this.#retired.delete(number);
    this.#endpoints.delete(name);
  }
}
