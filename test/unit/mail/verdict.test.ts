import { describe, expect, it } from 'vitest';
import { type Attempt, type Step, serverFate, stepAfter } from '../../../src/core/mail/outcome.ts';
import { ReplyReader } from '../../../src/core/mail/reply.ts';
import { defaultSchedule, retryDelayMs } from '../../../src/core/mail/schedule.ts';
import { type Happening, type Stage, type Verdict, verdictOn } from '../../../src/core/mail/verdict.ts';

function happening(text: string): Happening {
  if (text === 'refused' || text === 'closed' || text === 'timeout' || text === 'garbage') return text;
  const [reply] = new ReplyReader().push(new TextEncoder().encode(`${text}\r\n`));
  return reply ?? 'garbage';
}

const faults = ['closed', 'timeout', 'garbage'];

/** Stage, what happens there, what it means; every row of the table that operators read in docs/mail.md, and its neighbours. */
const rows: readonly (readonly [Stage, readonly string[], Verdict])[] = [
  ['connect', ['refused', ...faults], 'server'],
  ['greeting', ['220 hello'], 'ok'],
  ['greeting', ['421 busy', '450 x', '400 x', ...faults], 'server'],
  ['greeting', ['554 no', '521 takes no mail', '500 x'], 'server-closed'],
  ['ehlo', ['250 hello'], 'ok'],
  ['ehlo', ['421 x', '450 x', '500 x', '550 x', ...faults], 'server'],
  ['starttls', ['220 go'], 'ok'],
  ['starttls', ['454 4.7.0 no', '501 x', '502 x', '554 x'], 'configuration'],
  ['starttls', ['421 x', ...faults], 'server'],
  ['auth', ['235 2.7.0 ok'], 'ok'],
  ['auth', ['454 4.7.0 later', '421 x', '432 x', ...faults], 'server'],
  ['auth', ['535 5.7.8 no', '534 5.7.9 x', '538 x', '504 x', '500 x', '530 x'], 'configuration'],
  ['mail', ['250 2.1.0 ok'], 'ok'],
  ['mail', ['421 4.7.0 closing', ...faults], 'server'],
  ['mail', ['450 x', '451 x', '452 4.3.1 x', '455 x', '499 x'], 'message-later'],
  ['mail', ['552 5.3.4 too big', '552 x'], 'too-large'],
  ['mail', ['530 5.7.0 sign in', '550 5.7.1 no', '553 5.7.1 no', '554 5.7.1 no', '550 5.1.8 no', '550 no'], 'policy'],
  ['mail', ['500 x', '501 x', '502 x', '503 x', '504 x', '555 x', '354 x'], 'protocol'],
  ['rcpt', ['250 2.1.5 ok', '251 will forward', '252 cannot verify'], 'ok'],
  ['rcpt', ['421 x', ...faults], 'server'],
  ['rcpt', ['450 4.2.0 later', '451 4.7.1 later', '450 Greylisted, come again', '451 graylisting'], 'greylisted'],
  [
    'rcpt',
    ['450 4.1.1 x', '451 4.3.0 x', '452 4.2.2 mailbox full', '452 4.3.1 no disk', '552 5.2.2 full', '471 x'],
    'recipient-later',
  ],
  ['rcpt', ['452 4.5.3 too many', '452 x', '552 5.5.3 too many', '552 x'], 'recipient-soon'],
  [
    'rcpt',
    ['550 5.1.1 no such user', '551 5.1.6 x', '553 5.1.3 x', '550 5.2.1 x', '556 5.1.10 x', '550 no', '554 x'],
    'recipient-never',
  ],
  ['rcpt', ['550 4.2.0 a lie: the first digit decides'], 'recipient-never'],
  ['rcpt', ['550 5.7.1 relaying denied', '554 5.7.1 relaying denied', '530 x', '550 5.1.8 sender'], 'policy'],
  ['rcpt', ['500 x', '501 x', '502 x', '503 x', '504 x', '555 x'], 'protocol'],
  ['data', ['354 go'], 'ok'],
  ['data', ['451 x', '452 x'], 'message-later'],
  ['data', ['421 x', ...faults], 'server'],
  ['data', ['554 5.5.1 no recipients', '550 x'], 'recipient-never'],
  ['data', ['550 5.7.1 x', '554 5.7.1 x'], 'policy'],
  ['data', ['503 x', '250 x'], 'protocol'],
  ['body', faults, 'server'],
  ['dot', ['250 2.0.0 taken', '200 x', '299 x'], 'ok'],
  ['dot', ['421 x', '450 x', '451 4.7.1 x', '452 x'], 'message-later'],
  ['dot', ['552 5.3.4 x', '554 5.6.0 x', '554 5.7.1 x', '550 x', '500 x'], 'message-never'],
  ['dot', [...faults, '354 x'], 'uncertain'],
  ['rset', ['250 x', '421 x', '500 x', ...faults], 'ignored'],
  ['quit', ['221 x', '421 x', '500 x', ...faults], 'ignored'],
];

const cases = rows.flatMap(([stage, texts, verdict]) => texts.map((text) => [stage, text, verdict] as const));

describe('what happens at a stage', () => {
  it.each(cases)('%s: %s means %s', (stage, text, verdict) => {
    expect(verdictOn(stage, happening(text))).toBe(verdict);
  });

  it('always means something, and nothing but silence after the final dot is uncertain', () => {
    const stages: readonly Stage[] = [
      'connect',
      'greeting',
      'ehlo',
      'starttls',
      'auth',
      'mail',
      'rcpt',
      'data',
      'body',
      'dot',
      'rset',
      'quit',
    ];
    for (const stage of stages)
      for (let code = 200; code < 600; code++) {
        const verdict = verdictOn(stage, { code, enhanced: null, lines: [''] });
        if (verdict === 'uncertain') expect([stage, Math.floor(code / 100)]).toEqual(['dot', 3]);
        if (verdict === 'ok') expect(code).toBeLessThan(400);
      }
  });
});

const attempt: Attempt = {
  attempts: 1,
  hasNext: false,
  wasPlain: false,
  wasCut: false,
  othersAccepted: false,
  onUncertain: 'retry',
  random: 0.5,
  now: 1_000,
  schedule: defaultSchedule,
};

/** A verdict, what else is known, what is done with the mail, and with the server. */
const steps: readonly (readonly [Verdict, Partial<Attempt>, Step['kind'], ReturnType<typeof serverFate>])[] = [
  ['ok', {}, 'delivered', 'well'],
  ['server', { hasNext: true }, 'next-server', 'usual'],
  ['server', {}, 'later', 'usual'],
  ['server-closed', { hasNext: true }, 'next-server', 'longest'],
  ['server-closed', {}, 'later', 'longest'],
  ['configuration', { hasNext: true }, 'next-server', 'alarm'],
  ['configuration', {}, 'later', 'alarm'],
  ['message-later', { hasNext: true }, 'next-server', 'well'],
  ['message-later', {}, 'later', 'well'],
  ['too-large', { hasNext: true }, 'next-server', 'well'],
  ['too-large', {}, 'cut', 'well'],
  ['too-large', { wasCut: true }, 'failed', 'well'],
  ['incapable', { hasNext: true }, 'next-server', 'well'],
  ['incapable', {}, 'failed', 'well'],
  ['policy', { hasNext: true }, 'next-server', 'well'],
  ['policy', {}, 'later', 'well'],
  ['protocol', { hasNext: true }, 'without-extensions', 'well'],
  ['protocol', { hasNext: true, wasPlain: true }, 'failed', 'well'],
  ['recipient-later', { hasNext: true }, 'later', 'well'],
  ['greylisted', { hasNext: true }, 'later', 'well'],
  ['recipient-soon', { othersAccepted: true }, 'again-now', 'well'],
  ['recipient-soon', {}, 'later', 'well'],
  ['recipient-never', { hasNext: true }, 'failed', 'well'],
  ['message-never', { hasNext: true }, 'failed', 'well'],
  ['uncertain', { hasNext: true }, 'later', 'usual'],
  ['uncertain', { hasNext: true, onUncertain: 'hold' }, 'hold', 'usual'],
];

describe('what is done with a mail', () => {
  it.each(steps)('after %s, %j: %s; and its server is %s', (verdict, known, kind, fate) => {
    const step = stepAfter({ verdict }, { ...attempt, ...known });

    expect([step.kind, serverFate(verdict)]).toEqual([kind, fate]);
  });

  it('waits the longest, with an alarm, when every server refuses the sender', () => {
    const step = stepAfter({ verdict: 'policy' }, attempt);

    expect(step).toEqual({ kind: 'later', at: 3_601_000, isUncertain: false, alarm: 'every server refuses the sender' });
  });
});

describe('the pause before another try', () => {
  it.each([
    [1, 30_000],
    [2, 60_000],
    [3, 120_000],
    [7, 1_920_000],
    [8, 3_600_000],
    [1_000, 3_600_000],
  ])('after %i is %i ms, a fifth more or less', (attempts, ms) => {
    const delays = [0, 0.5, 1].map((random) => retryDelayMs(attempts, random, 'plain'));

    expect(delays).toEqual([ms * 0.8, ms, ms * 1.2]);
  });

  it('is never below five minutes where a server greylists', () => {
    expect(retryDelayMs(1, 0, 'greylisted')).toBe(300_000);
  });
});
