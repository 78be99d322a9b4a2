import assert from 'node:assert/strict';
import fc from 'fast-check';
import { keyByName, readValue } from '../../../config/keys.js';
import { readDuration, readSize, showDuration, showSize } from '../../../config/units.js';

const taken = (key: string, text: string): unknown => readValue(keyByName.get(key)!, text);
const refused = (key: string, text: string): void => {
  assert.equal(taken(key, text), undefined, text);
};

describe('formats of configuration values', () => {
  it('a size is bytes or has a binary unit', () => {
    assert.equal(readSize('4096'), 4096);
    assert.equal(readSize('256KiB'), 262144);
    assert.equal(readSize('1MiB'), 1048576);
    for (const text of ['', 'KiB', '1kB', '1MB', '1 MiB', '-1', '1.5MiB', '0x10', '1e3', '999999999999999GiB'])
      assert.equal(readSize(text), undefined, text);
  });

  it('a duration has a unit, and only nothing goes without', () => {
    assert.equal(readDuration('500ms'), 500);
    assert.equal(readDuration('5s'), 5000);
    assert.equal(readDuration('1m'), 60_000);
    assert.equal(readDuration('0'), 0);
    for (const text of ['', '5', 's', '5 s', '-1s', '1.5s', '1d', '5S', 'toString'])
      assert.equal(readDuration(text), undefined, text);
  });

  it('what is shown reads back as the same value', () => {
    fc.assert(fc.property(fc.nat(), (n) => readSize(showSize(n)) === n && readDuration(showDuration(n)) === n));
  });

  it('a value at its limit is taken and one beyond is not', () => {
    assert.equal(taken('datapath.maxPairs', '1'), 1);
    assert.equal(taken('datapath.maxPairs', '1048576'), 1048576);
    refused('datapath.maxPairs', '0');
    refused('datapath.maxPairs', '1048577');
    refused('datapath.queueBytes', '4095');
    assert.equal(taken('metrics.port', '65535'), 65535);
    refused('metrics.port', '65536');
  });

  it('the event buffer is a power of two', () => {
    assert.equal(taken('datapath.eventBuffer', '2MiB'), 2097152);
    refused('datapath.eventBuffer', '3MiB');
    refused('datapath.eventBuffer', '2048');
  });

  it('a path is absolute, stays below itself, and leaves room for the name of the socket', () => {
    assert.equal(taken('runDir', '/run/other'), '/run/other');
    for (const text of ['run', './run', '/run/../etc', '', `/${'x'.repeat(96)}`]) refused('runDir', text);
    assert.equal(taken('cgroup.path', 'auto'), 'auto');
    refused('runDir', 'auto');
  });

  it('a host is an address or a name', () => {
    for (const text of ['127.0.0.1', '::', 'localhost', 'node-1.example'])
      assert.equal(taken('metrics.host', text), text);
    for (const text of ['', '127.0.0.256', 'a b', '-x', 'http://x']) refused('metrics.host', text);
  });

  it('a file mode is octal', () => {
    assert.equal(taken('admin.mode', '0660'), 0o660);
    assert.equal(taken('admin.mode', '600'), 0o600);
    for (const text of ['0888', '660x', '7777', '']) refused('admin.mode', text);
  });

  it('a switch is true or false and nothing like it', () => {
    assert.equal(taken('datapath.enabled', 'false'), false);
    for (const text of ['yes', 'on', '1', 'TRUE', '']) refused('datapath.enabled', text);
  });
});
