import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { Masker } from '../../../agent/bugreport/mask.js';

const masker = (over: { pseudonyms?: boolean; hosts?: string[]; users?: string[] } = {}): Masker =>
  new Masker({ pseudonyms: true, salt: Buffer.alloc(32), ...over });
const gone = (text: string, needle: string, mask = masker()): void => {
  const masked = mask.text(text);
  assert.ok(!masked.toLowerCase().includes(needle.toLowerCase()), `${needle} is still in ${masked}`);
};

describe('masking of secrets', () => {
  for (const [what, text, secret] of [
    ['in an address', 'nats://alice:hunter2@broker:4222 refused', 'hunter2'],
    ['in an address, with an @ of its own', 'nats://alice:hunt@er2@broker:4222', 'er2@'],
    ['in an address without a scheme', 'given alice:hunter2@broker:4222', 'hunter2'],
    ['in a query', 'GET /health?token=hunter2&x=1', 'hunter2'],
    ['after its name', 'password = hunter2', 'hunter2'],
    ['after its name, of several words', 'password: "correct horse battery"', 'horse'],
    ['with a quote in it', String.raw`{"password":"hun\"ter2"}`, 'ter2'],
    ['in JSON', '{"apiKey":"hunter2","x":1}', 'hunter2'],
    ['in JSON within JSON', String.raw`{"msg":"sent {\"client_secret\":\"correct horse\"}"}`, 'horse'],
    ['whose quote is not closed', 'token="correct horse', 'horse'],
    ['in a variable', 'SIDESTEP_BUS_TOKEN=hunter2', 'hunter2'],
    ['in a header', 'Authorization: Basic aHVudGVyMg==', 'aHVudGVy'],
    ['in a header, as JSON', '{"authorization":"Bearer abc.def","x":1}', 'abc.def'],
    ['that is borne', 'sent bearer abcdef0123', 'abcdef0123'],
    ['that is a JWT', 'got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', 'eyJ'],
    ['that is a seed of an NKey', 'SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY', 'SUACSSL3'],
    ['that is a key in a block', '-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----', 'MIIEvQ'],
    ['that is a block without its end', 'x -----BEGIN NATS USER JWT-----\nabcdefg', 'abcdefg'],
    ['that is a block without its beginning', `${'Ab3+'.repeat(16)}\n-----END PRIVATE KEY-----`, 'Ab3+'],
    ['that is a key of a cloud', 'AKIAIOSFODNN7EXAMPLE', 'AKIAIOSF'],
    ['that is long and mixed', 'ghp_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789', 'AbCdEf'],
  ] as const)
    it(what, () => {
      gone(text, secret);
      gone(text, secret, masker({ pseudonyms: false }));
    });

  it('after any of its names, whatever it is made of, also as JSON and as JSON within JSON', () => {
    const key = fc.constantFrom('password', 'clientSecret', 'bus.token', 'API_KEY', 'db-passwd', 'private_key', 'X-Auth-Token', 'jwt', 'seed');
    const value = fc.string({ minLength: 5, maxLength: 30 }).filter((text) => /[a-z]{2}/i.test(text) && !text.startsWith('/') && text.trim() === text);
    fc.assert(fc.property(key, value, fc.nat(3), (name, secret, depth) => {
      let text = JSON.stringify({ before: 1, [name]: secret, after: 'kept' });
      for (let level = 1; level < depth; level++) text = JSON.stringify({ msg: text });
      const masked = masker().text(text);
      const pieces = secret.split(/[^a-z]+/i).filter((piece) => piece.length > 1 && !`${name} before after kept msg masked`.toLowerCase().includes(piece.toLowerCase()));
      return pieces.every((piece) => !masked.includes(piece)) && masked.includes('kept');
    }), { numRuns: 5000 });
  });

  it('leaves what only looks like one: paths, hashes, numbers of the kernel, the words themselves', () => {
    const text = 'bus.nkey: /etc/sidestep/host.nk, buildid:0123456789abcdef0123456789abcdef01234567, cookie: 8731, token: null';
    assert.equal(masker().text(text), text);
    const line = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    assert.equal(masker().text(line), line);
  });

  it('by the name of the field, whatever it looks like', () => {
    const mask = masker();
    assert.deepEqual(mask.value({ a: [{ secretSauce: 'x', cookie: '8731', authorization: 'y', other: 'z' }] }),
      { a: [{ secretSauce: '[masked]', cookie: '8731', authorization: '[masked]', other: 'z' }] });
    assert.equal(mask.counts.secrets, 2);
  });
});

describe('masking of addresses', () => {
  for (const [text, address] of [
    ['10.0.0.7:8080', '10.0.0.7'], ['[fd00::7]:8080', 'fd00::7'], ['peer:fd00::7: refused', 'fd00::7'], ['at fd00::7.', 'fd00::7'],
    ['fe80::1%eth0', 'fe80::1'], ['::ffff:10.0.0.7', '10.0.0.7'], ['node ip-10-0-0-7.ec2.internal', '10-0-0-7'], ['x10.0.0.7y', '10.0.0.7'],
    ['00:16:3e:aa:bb:cc', '00:16:3e'], ['10.0.0.0/8', '10.0.0.0'], ['"addresses":["10.96.0.1","fd00::a"]', 'fd00::a'],
    ['http://[2001:db8::1]:80/x', '2001:db8'], ['2001:DB8:0:0:0:0:0:1', '2001:DB8'], ['1.2.3.4.5', '1.2.3.4'],
  ] as const)
    it(text, () => gone(text, address));

  it('any, anywhere', () => {
    const around = fc.constantFrom('', ' ', '(', '"', 'peer=', 'a:', '[', '/', '\n', 'x ');
    const after = fc.constantFrom('', ' ', ')', '"', ':', ':80', '.', ',', ']:80', '/24', '%lo', '\n');
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), around, after, (address, left, right) => {
      fc.pre(!/^[0:.]+$/.test(address));
      const masked = masker().text(`${left}${address}${right}`);
      return !masked.includes(address);
    }), { numRuns: 3000 });
  });

  it('leaves times, versions, cgroups, names and numbers of packages', () => {
    const text = '2026-11-26T18:22:39.123Z 18:22:39 Linux 6.1.0-13 v20.19.0 0::/a.slice std::bad_alloc :: 0.0.0.0:9464';
    assert.equal(masker().text(text), text);
  });

  it('one pseudonym for each address, with its kind; another one in the next report', () => {
    const mask = new Masker({ pseudonyms: true });
    const [a, b, c, d] = mask.text('10.0.0.7 ::ffff:10.0.0.7 10.0.0.8 127.0.0.1').split(' ');
    assert.match(a!, /^ip4-private-[0-9a-f]{10}$/);
    assert.match(d!, /^ip4-loopback-/);
    assert.equal(a, b);
    assert.notEqual(a, c);
    assert.notEqual(new Masker({ pseudonyms: true }).text('10.0.0.7'), a);
    assert.equal(mask.counts.addresses, 4);
  });

  it('stay with --no-mask', () => {
    assert.equal(masker({ pseudonyms: false, hosts: ['db'] }).text('10.0.0.7 db /home/alice'), '10.0.0.7 db /home/alice');
  });
});

describe('masking of names', () => {
  for (const [text, name] of [
    ['/home/alice/bin/x', 'alice'], ['user:alice port:80', 'alice'], ['{"user":"alice"}', 'alice'], ['mail alice@example.org', 'alice'],
    ['tls://nats.example:4222', 'nats.example'],
  ] as const)
    it(text, () => gone(text, name));

  it('that are known go wherever they stand as a word', () => {
    const mask = masker({ hosts: ['db-7', 'db-7.example', 'localhost'], users: ['alice', 'root'] });
    assert.match(mask.text('db-7.example db-7, alice; malice db-70 localhost root'), /^host-\w+ host-\w+, user-\w+; malice db-70 localhost root$/);
    assert.match(mask.text('ssh://db-7'), /^ssh:\/\/host-\w{10}$/);
  });

  it('of hosts go by the name of the field', () => {
    assert.match(JSON.stringify(masker().value({ host: 'db-7', hostPort: 1 })), /^{"host":"host-\w{10}","hostPort":1}$/);
  });

  it('leaves units of systemd and cgroups', () => {
    const text = '/user.slice/user-1000.slice/user@1000.service/app.slice getty@tty1.service';
    assert.equal(masker().text(text), text);
  });
});
