/** Checks that need the kernel: who else is on our hooks, what this kernel loads, and how its sockets behave. */
import { native, type Answer, type ProgramProbe } from '../../native/index.js';
import { fail, info, pass, warn, type Check, type CheckProvider } from '../check/types.js';
import { findCgroup2 } from './cgroup.js';
import { decideMode, type Decision } from './mode.js';
import { runSelfTest, type SelfTestResult } from './selftest.js';
import { translated } from './translate.js';

const HOOKS = 'hooks';
const SELF_TEST = 'self-test';
const PROGRAMS = 'program types';
const FEATURES = 'features';

/** Program types without which nothing is accelerated. */
const NEEDED_TYPES = new Set(['sock_ops', 'sk_msg', 'sk_skb', 'iter', 'tp_btf']);
const NEEDED_FEATURES = new Set(['sockhash map', 'sk_storage map', 'ringbuf map', 'lru hash map', 'tcp iterator']);

/** What each step of the self-test shows, for a person. */
const CLAIMS: Readonly<Record<string, string>> = {
  pairing: 'both ends of a connection are found and redirected',
  order: 'bytes of both paths arrive in order',
  back_pressure: 'a slow reader stops its writer, and nothing is lost',
  fionread: 'FIONREAD counts redirected bytes',
  fionread_tcp: 'FIONREAD counts bytes that came over TCP',
  fionread_guard: 'a program that asks with FIONREAD is found out and stays on TCP, where the count is right',
  attach: 'every program can be attached',
  epoll: 'every arrival wakes an edge-triggered reader',
  half_close: 'half-close ends the reading, with every byte before it',
  peer_gone: 'a writer to a closed peer gets the error of TCP',
};

export const hookChecks: CheckProvider = {
  group: HOOKS,
  run({ config }) {
    const path = config.cgroup.path === 'auto' ? findCgroup2() : config.cgroup.path;
    const owners = translated(() => native.hookOwners(path));
    if (owners.length === 0) return [{ group: HOOKS, name: 'other owners', ...pass('none: no other program is on sock_ops, sk_msg or sk_skb') }];
    return owners.map((owner): Check => ({
      group: HOOKS, name: `${owner.name} (id ${String(owner.id)})`,
      ...(owner.type === 'sock_ops'
        ? pass(`sock_ops on ${owner.hook}; both run`)
        : warn(`${owner.type} on ${owner.hook}; a socket that it holds stays on TCP, reason busy`, 'If it should not hold them, stop what loaded it.')),
    }));
  },
};

const SPLIT = 'programs that ask with FIONREAD and messages that one read may not take stay on TCP, reason fionread';

function modeRow({ mode, why }: Decision): Check {
  const row = { group: SELF_TEST, name: 'mode' };
  if (mode === 'unified') return { ...row, ...pass('unified') };
  if (mode === 'split') return { ...row, ...pass(why === '' ? `split: ${SPLIT}` : `split: ${SPLIT} (${why})`) };
  return { ...row, ...fail(`off: ${why}`, 'The agent accelerates nothing on this kernel. Report it with the kernel version, or use another kernel.') };
}

/** Faults of a mode that is not used are no fault of the host. */
function trialRows({ mode, steps, redirected }: SelfTestResult, used: boolean): Check[] {
  const failed = used ? (detail: string) => fail(detail, 'See the mode below.') : info;
  const rows = steps.map((step): Check => {
    const claim = CLAIMS[step.test] ?? step.test;
    const detail = step.detail === '' ? claim : `${claim} (${step.detail})`;
    return { group: SELF_TEST, name: `${mode} ${step.test}`, ...(step.ok ? pass(detail) : failed(detail)) };
  });
  const proof = `${String(redirected)} messages went around TCP`;
  rows.push({ group: SELF_TEST, name: `${mode} proof`, ...(redirected > 0 ? pass(proof) : failed(proof)) });
  return rows;
}

export const selfTestChecks: CheckProvider = {
  group: SELF_TEST,
  async run({ config }) {
    const { mode } = config.datapath;
    const decision = await decideMode(mode === 'off' ? 'auto' : mode, (each) => runSelfTest(findCgroup2(), config.bpf.pinPath, each));
    const { trials, mode: decided } = decision;
    return [...trials.flatMap((trial) => trialRows(trial, decided === 'off' || decided === trial.mode)), modeRow(decision)];
  },
};

const words: Readonly<Record<Answer, string>> = { yes: 'yes', no: 'no', unknown: 'could not tell' };

function programRow(probe: ProgramProbe): Check {
  const works = probe.loads === 'yes' && probe.attaches !== 'no';
  const why = probe.detail === '' ? '' : ` (${probe.detail})`;
  const detail = `loads: ${words[probe.loads]}, attaches: ${words[probe.attaches]}${why}; ${probe.use}`;
  const needed = NEEDED_TYPES.has(probe.type);
  return {
    group: PROGRAMS, name: probe.type,
    ...(works ? pass(detail) : !needed ? info(detail) : fail(detail, 'Without it nothing is accelerated. See the capabilities above, or use another kernel.')),
  };
}

export const programChecks: CheckProvider = {
  group: PROGRAMS,
  run: () => translated(() => native.probePrograms()).map(programRow),
};

export const featureChecks: CheckProvider = {
  group: FEATURES,
  run: () => translated(() => native.probeFeatures()).map((probe): Check => {
    const detail = `${words[probe.answer]}${probe.detail === '' ? '' : ` (${probe.detail})`}; in Linux since ${probe.since}`;
    const lacking = probe.answer === 'no' && NEEDED_FEATURES.has(probe.name);
    return { group: FEATURES, name: probe.name, ...(lacking ? fail(detail, `Use a kernel from ${probe.since} on.`) : probe.answer === 'yes' ? pass(detail) : info(detail)) };
  }),
};
