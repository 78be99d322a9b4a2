import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Supervisor } from '../../../agent/lifecycle/supervisor.js';
import { keptLog } from '../../helpers/log.js';

function supervised(env: NodeJS.ProcessEnv, send?: () => void): { supervisor: Supervisor; told: string[]; lines: unknown[] } {
  const told: string[] = [];
  const { log, lines } = keptLog();
  const supervisor = new Supervisor(env, send ?? ((path, text) => { told.push(`${path} ${text}`); }), log);
  return { supervisor, told, lines };
}

describe('supervisor', () => {
  it('tells the socket of NOTIFY_SOCKET when the agent is ready, reloads and stops', () => {
    const { supervisor, told } = supervised({ NOTIFY_SOCKET: '/run/notify' });
    supervisor.ready('serving');
    supervisor.reloading();
    supervisor.stopping(1500);
    supervisor.close();
    assert.match(told[0] ?? '', new RegExp(`^/run/notify READY=1\nSTATUS=serving\nMAINPID=${process.pid}$`));
    assert.match(told[1] ?? '', /^\/run\/notify RELOADING=1\nMONOTONIC_USEC=\d+$/);
    assert.match(told[2] ?? '', /STOPPING=1\nSTATUS=retiring pairs\nEXTEND_TIMEOUT_USEC=1500000$/);
  });

  it('is silent without one', () => {
    const { supervisor, told } = supervised({ WATCHDOG_USEC: '1000' });
    supervisor.ready('serving');
    supervisor.stopping(1);
    assert.deepEqual(told, []);
    supervisor.close();
  });

  it('feeds the watchdog twice in its time, once the agent is ready, if it waits for this process', async () => {
    for (const [pid, fed] of [[undefined, true], [String(process.pid), true], ['1', false]] as const) {
      const { supervisor, told } = supervised({ NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '20000', WATCHDOG_PID: pid });
      await sleep(30);
      assert.equal(told.length, 0);
      supervisor.ready('serving');
      await sleep(60);
      supervisor.close();
      assert.equal(told.filter((text) => text === '@x WATCHDOG=1').length >= 2, fed, pid);
    }
  });

  it('a manager that does not listen is said once and stops nothing', () => {
    const { supervisor, lines } = supervised({ NOTIFY_SOCKET: '/x' }, () => { throw new Error('refused'); });
    supervisor.ready('serving');
    supervisor.stopping(1);
    supervisor.close();
    assert.equal(lines.length, 1);
  });
});
