import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { createLog, resolveFormat } from '../../../agent/log.js';
import { isJournal } from '../../../agent/log-journal.js';
import { folder } from '../../helpers/folder.js';
import { prettyLine } from '../../../agent/log-pretty.js';
import { keptLog } from '../../helpers/log.js';

describe('log', () => {
  it('changes its level live, also for rooms that have their child already', () => {
    const { log, lines } = keptLog('info');
    const child = log.child('metrics');
    child.debug('unheard');
    log.level = 'debug';
    child.debug('heard', { port: 1 });
    assert.equal(lines.length, 1);
    assert.deepEqual({ ...lines[0], time: '' }, { level: 'debug', time: '', component: 'metrics', port: 1, msg: 'heard' });
  });

  it('is for people on a terminal and JSON elsewhere, unless told', () => {
    assert.equal(resolveFormat('auto', true), 'pretty');
    assert.equal(resolveFormat('auto', false), 'json');
    assert.equal(resolveFormat('json', true), 'json');
  });

  it('is for the journal where that listens: priority in front, each line of several', () => {
    assert.equal(resolveFormat('auto', false, true), 'journal');
    assert.equal(resolveFormat('auto', true, true), 'pretty');
    let text = '';
    const log = createLog({ level: 'debug', format: 'journal', write: (line) => { text += line; } });
    log.child('admin').warn('slow', { path: '/v1/status' });
    log.debug('small');
    log.error('bad', { error: new Error('first\nsecond') });
    assert.match(text, /^<4>admin: slow path=\/v1\/status\n<7>small\n<3>bad\n<3> {4}Error: first\n<3> {4}second\n/);
    assert.equal(text.split('\n').every((line) => line === '' || line.startsWith('<')), true);
  });

  it('believes JOURNAL_STREAM only of the file that it names', () => {
    const file = join(folder(), 'log');
    const fd = openSync(file, 'w');
    const { dev, ino } = fstatSync(fd);
    assert.equal(isJournal({ JOURNAL_STREAM: `${dev}:${ino}` }, fd), true);
    for (const other of [`${dev}:${ino + 1}`, '', 'x', undefined]) assert.equal(isJournal({ JOURNAL_STREAM: other }, fd), false, other);
    closeSync(fd);
  });

  it('shows fields and errors to people', () => {
    let text = '';
    const log = createLog({ level: 'info', format: 'pretty', write: (line) => { text += line; } });
    log.child('admin').warn('slow', { path: '/v1/status', why: 'two words' });
    assert.match(text, /^\d\d:\d\d:\d\d warn {2}admin: slow path=\/v1\/status why="two words"\n$/);
    const line = JSON.stringify({ level: 'error', time: '2024-01-01T01:02:03.000Z', msg: 'bad', error: { message: 'm', code: 'X' } });
    assert.equal(prettyLine(line, false), '01:02:03 error bad\n    m\n');
  });
});
