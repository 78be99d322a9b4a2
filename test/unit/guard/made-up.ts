/** Made-up profiles. */
import fc from 'fast-check';
import { conductOf, HAZARDS, STATES, type Conduct } from '../../../agent/guard/conduct.js';
import { NO_EVIDENCE, ORIGINS, type KnownProfile } from '../../../agent/guard/known.js';

/** With a reason exactly when it is unsafe, and the rest as the state asks. */
export const known = (over: Partial<KnownProfile> = {}): KnownProfile => {
  const state = over.state ?? 'clean';
  return {
    program: 'buildid:00000000', name: 'redis', script: '', place: '/redis.service', executable: '/usr/bin/redis',
    since: '2026-01-01T00:00:00.000Z', seen: '2026-01-02T00:00:00.000Z', evidence: NO_EVIDENCE, origin: 'learned', ...over,
    ...conductOf(state, { serves: over.serves ?? false, plain: true, reason: 'splice' }),
  };
};

export const conducts: fc.Arbitrary<Conduct> = fc.record({
  state: fc.constantFrom(...STATES), serves: fc.boolean(), plain: fc.boolean(), reason: fc.constantFrom(...HAZARDS),
}).map(({ state, ...rest }) => conductOf(state, rest));

const hex = (length: number): fc.Arbitrary<string> => fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString('hex'));
const count = fc.nat(2 ** 40);
const time = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }).map((date) => date.toISOString());

/** Whatever may stand in a file. */
export const profiles: fc.Arbitrary<KnownProfile> = fc.record({
  program: fc.oneof(hex(20).map((id) => `buildid:${id}`), hex(32).map((id) => `sha256:${id}`), fc.constant('any')),
  name: fc.string({ minLength: 1, maxLength: 15, unit: fc.constantFrom('a', 'b', 'Z', '0', '-', '_', '.', ':', '"', '\\', ' ', '#') }),
  script: fc.oneof(fc.constant(''), hex(32)),
  place: fc.oneof(fc.constant(''), fc.string({ maxLength: 40 }).map((text) => `/${text.replace(/[\0-\x1f\x7f]/g, '')}`)),
  executable: fc.constantFrom('', '/usr/bin/x'), since: time, seen: time, origin: fc.constantFrom(...ORIGINS),
  evidence: fc.record({ connections: count, plain: count, blocking: count, hazard: count, bytes: count }),
}).chain((identity) => conducts.map((conduct) => ({ ...identity, ...conduct })));
