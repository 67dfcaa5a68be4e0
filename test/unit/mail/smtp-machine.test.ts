import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Reply, ReplyReader } from '../../../src/core/mail/reply.ts';
import {
  type Envelope,
  type SessionPolicy,
  type SmtpAction,
  type SmtpInput,
  SmtpMachine,
} from '../../../src/core/mail/smtp-machine.ts';

const plain: SessionPolicy = { name: 'me.example', tls: 'off', credentials: null, extensions: true };
const envelope: Envelope = {
  from: 'cg@test.example',
  to: ['a@test.example', 'b@test.example'],
  size: 100,
  eightBit: false,
  utf8: false,
};

function reply(text: string): Reply {
  const [found] = new ReplyReader().push(new TextEncoder().encode(`${text.replaceAll('\n', '\r\n')}\r\n`));
  if (found === undefined || found === 'garbage') throw new Error(`no reply: ${text}`);
  return found;
}

/** What the machine does, as a server would see it, and what it tells. */
function run(policy: SessionPolicy, inputs: readonly (SmtpInput | string)[]): string[] {
  const machine = new SmtpMachine(policy);
  return inputs.flatMap((input) => {
    const actions = machine.on(typeof input === 'string' ? { kind: 'reply', reply: reply(input), more: false } : input);
    return actions.map(print);
  });
}

function print(action: SmtpAction): string {
  switch (action.do) {
    case 'write':
      return action.text.trimEnd().replaceAll('\r\n', ' | ');
    case 'outcome':
      return `outcome ${action.results.map(({ stage, verdict }) => `${stage}:${verdict}`).join(' ')}`;
    case 'over':
      return `over ${action.stage}:${action.verdict}${action.withoutTls ? ' again without TLS' : ''}`;
    default:
      return action.do;
  }
}

const send: SmtpInput = { kind: 'send', envelope };
const dot: SmtpInput = { kind: 'dot' };
const greeted = ['220 x', '250-x\n250-PIPELINING\n250 SIZE 1000'];
const password = { kind: 'password', user: 'ü', password: 'p' } as const;

describe('a session', () => {
  it('sends sender, recipients and DATA together where the server can', () => {
    const seen = run(plain, [...greeted, send, '250 ok', '250 ok', '250 ok', '354 go', dot, '250 taken']);

    expect(seen).toEqual([
      'EHLO me.example',
      'ready',
      'MAIL FROM:<cg@test.example> SIZE=100 | RCPT TO:<a@test.example> | RCPT TO:<b@test.example> | DATA',
      'write-body',
      'outcome dot:ok dot:ok',
      'ready',
    ]);
  });

  it('sends one command at a time where it cannot, and DATA only for somebody', () => {
    const seen = run(plain, ['220 x', '250 x', send, '250 ok', '550 5.1.1 no', '550 5.1.1 no', '250 reset']);

    expect(seen.slice(2)).toEqual([
      'MAIL FROM:<cg@test.example>',
      'RCPT TO:<a@test.example>',
      'RCPT TO:<b@test.example>',
      'outcome rcpt:recipient-never rcpt:recipient-never',
      'RSET',
      'ready',
    ]);
  });

  it('ends a text that nobody is accepted for with a lone dot', () => {
    const seen = run(plain, [...greeted, send, '250 ok', '550 5.1.1 no', '550 5.1.1 no', '354 go', '554 no recipients']);

    expect(seen.slice(3)).toEqual(['outcome rcpt:recipient-never rcpt:recipient-never', '.', 'ready']);
  });

  it('says what becomes of each recipient by itself', () => {
    const seen = run(plain, [...greeted, send, '250 ok', '450 4.3.0 later', '250 ok', '354 go', dot, '250 taken']);

    expect(seen).toContain('outcome rcpt:recipient-later dot:ok');
  });

  it('falls back to HELO where EHLO is not understood', () => {
    expect(run(plain, ['220 x', '502 what', '250 x'])).toEqual(['EHLO me.example', 'HELO me.example', 'ready']);
  });

  it('signs in with PLAIN, else LOGIN, and with a token by XOAUTH2', () => {
    const first = run({ ...plain, credentials: password }, ['220 x', '250-x\n250 AUTH LOGIN PLAIN', '235 ok']);
    const login = run({ ...plain, credentials: password }, [
      '220 x',
      '250-x\n250 AUTH=LOGIN',
      '334 VXNlcm5hbWU6',
      '334 UGFzc3dvcmQ6',
      '235 ok',
    ]);
    const token = run({ ...plain, credentials: { kind: 'token', user: 'u', token: 't' } }, [
      '220 x',
      '250-x\n250 AUTH XOAUTH2',
      '334 e30=',
      '535 no',
    ]);

    expect(first.slice(1)).toEqual(['AUTH PLAIN AMO8AHA=', 'ready']);
    expect(login.slice(1)).toEqual(['AUTH LOGIN', 'w7w=', 'cA==', 'ready']);
    expect(token.slice(1)).toEqual(['AUTH XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHQBAQ==', '', 'over auth:configuration']);
  });

  it('signs in nowhere else than where a way is offered that both know', () => {
    expect(run({ ...plain, credentials: password }, ['220 x', '250-x\n250 AUTH CRAM-MD5']).slice(1)).toEqual([
      'over auth:configuration',
    ]);
  });

  it('greets again after STARTTLS, and believes nothing of before', () => {
    const secured = run({ ...plain, tls: 'required', credentials: password }, [
      '220 x',
      '250-x\n250-STARTTLS\n250 AUTH PLAIN',
      '220 go',
      { kind: 'secured' },
      '250-x\n250 AUTH LOGIN',
    ]);

    expect(secured).toEqual(['EHLO me.example', 'STARTTLS', 'start-tls', 'EHLO me.example', 'AUTH LOGIN']);
  });

  it('never goes on in plain text where TLS is required', () => {
    const required = { ...plain, tls: 'required' } as const;

    expect(run(required, ['220 x', '250 x']).slice(1)).toEqual(['over starttls:configuration']);
    expect(run(required, ['220 x', '250-x\n250 STARTTLS', '454 no']).slice(2)).toEqual(['over starttls:configuration']);
    const injected: SmtpInput = { kind: 'reply', reply: reply('220 go'), more: true };
    expect(run(required, ['220 x', '250-x\n250 STARTTLS', injected]).slice(2)).toEqual(['over starttls:configuration']);
  });

  it('goes on in plain text where TLS is only wanted, in this session or in another', () => {
    const wanted = { ...plain, tls: 'opportunistic' } as const;

    expect(run(wanted, ['220 x', '250-x\n250 STARTTLS', '454 no']).slice(2)).toEqual(['ready']);
    expect(run(wanted, ['220 x', '250-x\n250 STARTTLS', '220 go', { kind: 'not-secured', detail: '' }]).slice(3)).toEqual([
      'over starttls:configuration again without TLS',
    ]);
  });

  it.each([
    ['too large', { size: 2_000 }, 'mail:too-large'],
    ['of bytes beyond ASCII', { eightBit: true }, 'mail:incapable'],
    ['for addresses beyond ASCII', { utf8: true }, 'mail:incapable'],
  ])('does not begin with a mail that is %s', (_what, more, verdict) => {
    const seen = run(plain, [...greeted, { kind: 'send', envelope: { ...envelope, ...more } }]);

    expect(seen.slice(2)).toEqual([`outcome ${verdict} ${verdict}`, 'ready']);
  });

  it('uses no extension where the server did not understand us', () => {
    const seen = run({ ...plain, extensions: false }, [...greeted, send]);

    expect(seen.at(-1)).toBe('MAIL FROM:<cg@test.example>');
  });
});

describe('whatever a server does', () => {
  const anything = fc.oneof(
    fc.record({ code: fc.integer({ min: 200, max: 599 }), more: fc.boolean() }).map(
      ({ code, more }): SmtpInput => ({
        kind: 'reply',
        reply: { code, enhanced: null, lines: ['x', 'PIPELINING', 'STARTTLS', 'AUTH PLAIN'] },
        more,
      }),
    ),
    fc.constantFrom<SmtpInput>(
      { kind: 'reply', reply: reply('250 ok'), more: false },
      { kind: 'reply', reply: reply('354 go'), more: false },
      { kind: 'fault', fault: 'closed', detail: '' },
      { kind: 'fault', fault: 'timeout', detail: '' },
      { kind: 'fault', fault: 'garbage', detail: '' },
    ),
  );

  it('a mail is uncertain only once its final dot was said, and each recipient has one result', () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 25 }), fc.boolean(), (inputs, saysDot) => {
        const machine = new SmtpMachine(plain);
        let isSent = false;
        let isDotSaid = false;
        let outcomes = 0;
        const handle = (actions: readonly SmtpAction[]): void => {
          for (const action of actions) {
            if (action.do === 'ready' && !isSent) {
              isSent = true;
              handle(machine.on(send));
            } else if (action.do === 'write-body' && saysDot) {
              isDotSaid = true;
              handle(machine.on(dot));
            } else if (action.do === 'outcome') {
              outcomes += 1;
              expect(action.results).toHaveLength(2);
              if (!isDotSaid) expect(action.results.map(({ verdict }) => verdict)).not.toContain('uncertain');
              if (!isDotSaid) expect(action.results.map(({ verdict }) => verdict)).not.toContain('ok');
            }
          }
        };
        for (const input of inputs) handle(machine.on(input));
        handle(machine.on({ kind: 'fault', fault: 'closed', detail: '' }));

        expect(outcomes).toBe(isSent ? 1 : 0);
        expect(machine.on(send)).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the reader of replies', () => {
  const push = (...chunks: string[]) => {
    const reader = new ReplyReader();
    return chunks.flatMap((chunk) => reader.push(new TextEncoder().encode(chunk)));
  };

  it('gives the same for every way a reply is cut into pieces', () => {
    const text = '250-first\r\n250-2.1.0 second\r\n250 last\r\n354 go\r\n';
    for (let at = 0; at <= text.length; at++) expect(push(text.slice(0, at), text.slice(at))).toEqual(push(text));
    expect(push(text)).toHaveLength(2);
  });

  it.each([
    ['four digits', '2500 x\r\n'],
    ['a code that changes in the middle', '250-a\r\n354 b\r\n'],
    ['a line without end', 'x'.repeat(600)],
    ['a line of more than 512 octets', `250 ${'x'.repeat(600)}\r\n`],
    ['no code', 'hello\r\n'],
    ['too many lines', '250-x\r\n'.repeat(101)],
  ])('takes %s for garbage, once, and reads no further', (_what, text) => {
    expect(push(text, '250 ok\r\n')).toEqual(['garbage']);
  });
});
