import { type Credentials, firstAuthLine, nextAuthLine } from './auth.ts';
import { type Capabilities, capabilitiesIn, noCapabilities } from './capabilities.ts';
import { printReply, type Reply } from './reply.ts';
import { closing, type Happening, type Stage, type Verdict, verdictOn } from './verdict.ts';

/**
 * One SMTP session as a pure machine: what happens goes in by `on`, what is to be done comes out; the socket is somebody else's.
 *
 *     greeting → ehlo (→ helo) (→ starttls → handshake → ehlo) (→ auth) → ready
 *     ready → envelope (MAIL, RCPT…, DATA; at once where the server can) → body → dot → ready
 *     a transaction that did not end with its dot → rset → ready;   anything → over, and nothing leads out of that
 *
 * The place that counts is `body` → `dot`: whoever writes says `dot` just before the bytes that hold the final dot leave. What goes
 * wrong earlier delivered nothing; what goes wrong later is `uncertain`.
 */
export interface SessionPolicy {
  /** Our name in EHLO. */
  readonly name: string;
  readonly tls: 'off' | 'opportunistic' | 'required' | 'implicit';
  readonly credentials: Credentials | null;
  /** False: a server that did not understand us gets no parameters and one command at a time. */
  readonly extensions: boolean;
}

export interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
  /** Bytes of the message as it is stored, before dots are doubled. */
  readonly size: number;
  readonly eightBit: boolean;
  readonly utf8: boolean;
}

/** What became of one recipient. */
export interface RecipientResult {
  readonly stage: Stage;
  readonly verdict: Verdict;
  readonly said: string;
}

export type SmtpInput =
  | { readonly kind: 'reply'; readonly reply: Reply; readonly more: boolean }
  | { readonly kind: 'fault'; readonly fault: Exclude<Happening, Reply>; readonly detail: string }
  | { readonly kind: 'secured' }
  | { readonly kind: 'not-secured'; readonly detail: string }
  | { readonly kind: 'send'; readonly envelope: Envelope }
  | { readonly kind: 'dot' }
  | { readonly kind: 'quit' };

export type SmtpAction =
  | { readonly do: 'write'; readonly text: string }
  | { readonly do: 'start-tls' }
  | { readonly do: 'write-body' }
  | { readonly do: 'ready' }
  | { readonly do: 'outcome'; readonly results: readonly RecipientResult[] }
  /** The session is over. `withoutTls`: the same server may be tried once more in plain text (opportunistic TLS only). */
  | {
      readonly do: 'over';
      readonly stage: Stage;
      readonly verdict: Verdict;
      readonly said: string;
      readonly withoutTls: boolean;
    };

type At =
  | 'greeting'
  | 'ehlo'
  | 'helo'
  | 'starttls'
  | 'handshake'
  | 'auth'
  | 'ready'
  | 'envelope'
  | 'body'
  | 'dot'
  | 'lone-dot'
  | 'rset'
  | 'quit'
  | 'over';

type Awaited = { readonly stage: 'mail' | 'data' } | { readonly stage: 'rcpt'; readonly index: number };

const stageOf: Readonly<Record<Exclude<At, 'envelope'>, Stage>> = {
  greeting: 'greeting',
  ehlo: 'ehlo',
  helo: 'ehlo',
  starttls: 'starttls',
  handshake: 'starttls',
  auth: 'auth',
  ready: 'rset',
  body: 'body',
  dot: 'dot',
  'lone-dot': 'rset',
  rset: 'rset',
  quit: 'quit',
  over: 'quit',
};

export class SmtpMachine {
  readonly #policy: SessionPolicy;
  #at: At = 'greeting';
  #secured: boolean;
  #offered: Capabilities = noCapabilities;
  #authStep = 0;
  #results: (RecipientResult | null)[] = [];
  /** Commands not written yet, and replies not come yet, in order. */
  #commands: { readonly text: string; readonly awaited: Awaited }[] = [];
  #awaited: Awaited[] = [];

  constructor(policy: SessionPolicy) {
    this.#policy = policy;
    this.#secured = policy.tls === 'implicit';
  }

  /** What is waited for now: the shell's time limit depends on it. Null while nothing is. */
  get stage(): Stage | null {
    if (this.#at === 'envelope') return this.#awaited[0]?.stage ?? 'mail';
    return this.#at === 'ready' || this.#at === 'over' ? null : stageOf[this.#at];
  }

  get capabilities(): Capabilities {
    return this.#offered;
  }

  on(input: SmtpInput): SmtpAction[] {
    if (this.#at === 'over') return [];
    switch (input.kind) {
      case 'reply':
        return this.#onReply(input.reply, input.more);
      case 'fault':
        return this.#end(input.fault, input.detail);
      case 'secured':
        this.#secured = true;
        return this.#hello();
      case 'not-secured':
        return this.#over('starttls', 'configuration', input.detail, this.#policy.tls === 'opportunistic');
      case 'send':
        return this.#send(input.envelope);
      case 'dot':
        if (this.#at === 'body') this.#at = 'dot';
        return [];
      case 'quit':
        this.#at = 'quit';
        return [{ do: 'write', text: 'QUIT\r\n' }];
    }
  }

  #onReply(reply: Reply, more: boolean): SmtpAction[] {
    switch (this.#at) {
      case 'greeting':
        return verdictOn('greeting', reply) === 'ok' ? this.#hello() : this.#refused('greeting', reply);
      case 'ehlo':
        if (verdictOn('ehlo', reply) === 'ok') return this.#greeted(capabilitiesIn(reply));
        if (reply.code < 500) return this.#refused('ehlo', reply);
        this.#at = 'helo';
        return [{ do: 'write', text: `HELO ${this.#policy.name}\r\n` }];
      case 'helo':
        return verdictOn('ehlo', reply) === 'ok' ? this.#greeted(noCapabilities) : this.#refused('ehlo', reply);
      case 'starttls':
        return this.#onStartTls(reply, more);
      case 'auth':
        return this.#onAuth(reply);
      case 'envelope':
        return this.#onEnvelope(reply);
      case 'dot':
        return this.#onDot(reply);
      case 'lone-dot':
      case 'rset':
        // Nobody was accepted, so it may well refuse an empty text; it is over with it either way.
        if (reply.code === closing || (this.#at === 'rset' && reply.code >= 500))
          return this.#over('rset', 'ignored', printReply(reply));
        this.#at = 'ready';
        return [{ do: 'ready' }];
      case 'quit':
        return this.#over('quit', 'ignored', printReply(reply));
      case 'body': // it speaks while it should listen: it takes no more of this mail
        return this.#refusedInBody(reply);
      default: // nobody asked: a server that leaves, as it may between two mails, or one that is out of step with us
        return this.#over('rset', reply.code === closing ? 'ignored' : 'server', printReply(reply));
    }
  }

  #hello(): SmtpAction[] {
    this.#at = 'ehlo';
    return [{ do: 'write', text: `EHLO ${this.#policy.name}\r\n` }];
  }

  #greeted(offered: Capabilities): SmtpAction[] {
    const { tls, credentials, extensions } = this.#policy;
    this.#offered = extensions ? offered : { ...noCapabilities, startTls: offered.startTls, auth: offered.auth };
    if (!this.#secured && (tls === 'required' || (tls === 'opportunistic' && offered.startTls))) {
      if (!offered.startTls) return this.#over('starttls', 'configuration', 'the server offers no STARTTLS');
      this.#at = 'starttls';
      return [{ do: 'write', text: 'STARTTLS\r\n' }];
    }
    return credentials === null ? this.#becomeReady() : this.#authenticate(credentials);
  }

  #onStartTls(reply: Reply, more: boolean): SmtpAction[] {
    const verdict = verdictOn('starttls', reply);
    if (verdict === 'ok') {
      // Whatever follows in plain text was put there by somebody who wants it to be taken for encrypted (CVE-2011-0411).
      if (more) return this.#over('starttls', 'configuration', 'bytes in plain text after the answer to STARTTLS');
      this.#at = 'handshake';
      return [{ do: 'start-tls' }];
    }
    if (this.#policy.tls === 'opportunistic' && verdict === 'configuration') {
      const { credentials } = this.#policy;
      return credentials === null ? this.#becomeReady() : this.#authenticate(credentials);
    }
    return this.#refused('starttls', reply);
  }

  #authenticate(credentials: Credentials): SmtpAction[] {
    const line = firstAuthLine(credentials, this.#offered.auth);
    const offered = this.#offered.auth.join(' ') || 'none';
    if (line === null) return this.#over('auth', 'configuration', `no way to sign in that both know (offered: ${offered})`);
    this.#at = 'auth';
    this.#authStep = 0;
    return [{ do: 'write', text: `${line}\r\n` }];
  }

  #onAuth(reply: Reply): SmtpAction[] {
    const { credentials } = this.#policy;
    if (verdictOn('auth', reply) === 'ok') return this.#becomeReady();
    if (reply.code !== 334 || credentials === null) return this.#refused('auth', reply);
    const line = nextAuthLine(credentials, this.#offered.auth, this.#authStep++);
    if (line === null) return this.#over('auth', 'configuration', printReply(reply));
    return [{ do: 'write', text: `${line}\r\n` }];
  }

  #becomeReady(): SmtpAction[] {
    this.#at = 'ready';
    return [{ do: 'ready' }];
  }

  #send(envelope: Envelope): SmtpAction[] {
    const { size, eightBit, utf8, pipelining } = this.#offered;
    const every = (verdict: Verdict, said: string): SmtpAction[] => [
      { do: 'outcome', results: envelope.to.map(() => ({ stage: 'mail', verdict, said })) },
      { do: 'ready' },
    ];
    if (size > 0 && envelope.size > size)
      return every('too-large', `the server takes ${size} bytes, the mail has ${envelope.size}`);
    if (envelope.utf8 && !utf8) return every('incapable', 'the server takes no addresses beyond ASCII (SMTPUTF8)');
    if (envelope.eightBit && !eightBit) return every('incapable', 'the server takes no bytes beyond ASCII (8BITMIME)');
    const parameters = [
      ...(size > 0 ? [` SIZE=${envelope.size}`] : []),
      ...(envelope.eightBit ? [' BODY=8BITMIME'] : []),
      ...(envelope.utf8 ? [' SMTPUTF8'] : []),
    ].join('');
    this.#results = envelope.to.map(() => null);
    this.#commands = [
      { text: `MAIL FROM:<${envelope.from}>${parameters}\r\n`, awaited: { stage: 'mail' } },
      ...envelope.to.map((to, index) => ({ text: `RCPT TO:<${to}>\r\n`, awaited: { stage: 'rcpt', index } as const })),
      { text: 'DATA\r\n', awaited: { stage: 'data' } },
    ];
    this.#awaited = [];
    this.#at = 'envelope';
    return this.#write(pipelining ? this.#commands.length : 1);
  }

  #write(count: number): SmtpAction[] {
    const now = this.#commands.splice(0, count);
    this.#awaited.push(...now.map((command) => command.awaited));
    return [{ do: 'write', text: now.map((command) => command.text).join('') }];
  }

  #onEnvelope(reply: Reply): SmtpAction[] {
    const awaited = this.#awaited.shift();
    if (awaited === undefined) return this.#over('mail', 'server', printReply(reply));
    const verdict = verdictOn(awaited.stage, reply);
    if (reply.code === closing) return this.#end(reply, printReply(reply), awaited.stage);
    if (awaited.stage === 'data') return this.#onData(reply, verdict);
    if (verdict !== 'ok') {
      const result: RecipientResult = { stage: awaited.stage, verdict, said: printReply(reply) };
      if (awaited.stage === 'rcpt') this.#results[awaited.index] ??= result;
      else this.#results = this.#results.map((known) => known ?? result);
    }
    if (this.#awaited.length > 0) return [];
    if (this.#isRefused) return this.#reset();
    return this.#write(1);
  }

  get #isRefused(): boolean {
    return this.#results.every((result) => result !== null);
  }

  #onData(reply: Reply, verdict: Verdict): SmtpAction[] {
    if (verdict === 'ok') {
      // Commands went ahead together, nobody was accepted, and yet it waits for a text: an empty one ends that (RFC 2920, 3.1).
      if (this.#isRefused) {
        this.#at = 'lone-dot';
        return [
          { do: 'outcome', results: this.#takeResults() },
          { do: 'write', text: '.\r\n' },
        ];
      }
      this.#at = 'body';
      return [{ do: 'write-body' }];
    }
    const result: RecipientResult = { stage: 'data', verdict, said: printReply(reply) };
    this.#results = this.#results.map((known) => known ?? result);
    return this.#reset();
  }

  #onDot(reply: Reply): SmtpAction[] {
    const result: RecipientResult = { stage: 'dot', verdict: verdictOn('dot', reply), said: printReply(reply) };
    this.#results = this.#results.map((known) => known ?? result);
    const outcome: SmtpAction = { do: 'outcome', results: this.#takeResults() };
    if (reply.code === closing) return [outcome, ...this.#over('dot', 'server', printReply(reply))];
    if (result.verdict === 'uncertain') return [outcome, ...this.#over('dot', 'uncertain', printReply(reply))];
    this.#at = 'ready';
    return [outcome, { do: 'ready' }];
  }

  /** The text cannot be taken back once begun: the connection must go, and the mail was certainly not taken. */
  #refusedInBody(reply: Reply): SmtpAction[] {
    const verdict: Verdict = reply.code === closing ? 'server' : reply.code >= 500 ? 'message-never' : 'message-later';
    const result: RecipientResult = { stage: 'body', verdict, said: printReply(reply) };
    this.#results = this.#results.map((known) => known ?? result);
    const kind = verdict === 'server' ? 'server' : 'ignored';
    return [{ do: 'outcome', results: this.#takeResults() }, ...this.#over('body', kind, result.said)];
  }

  #reset(): SmtpAction[] {
    this.#at = 'rset';
    return [
      { do: 'outcome', results: this.#takeResults() },
      { do: 'write', text: 'RSET\r\n' },
    ];
  }

  #refused(stage: Stage, reply: Reply): SmtpAction[] {
    return this.#over(stage, verdictOn(stage, reply), printReply(reply));
  }

  /** The connection is over, in the middle of whatever it was. */
  #end(happening: Happening, said: string, at = this.stage ?? 'quit'): SmtpAction[] {
    const inTransaction = this.#at === 'envelope' || this.#at === 'body' || this.#at === 'dot';
    const verdict = verdictOn(at, happening);
    if (this.#at === 'handshake') return this.#over('starttls', 'configuration', said, this.#policy.tls === 'opportunistic');
    if (!inTransaction) return this.#over(at, verdict, said);
    const result: RecipientResult = { stage: at, verdict, said };
    this.#results = this.#results.map((known) => known ?? result);
    return [{ do: 'outcome', results: this.#takeResults() }, ...this.#over(at, verdict, said)];
  }

  #takeResults(): RecipientResult[] {
    const results = this.#results.filter((result) => result !== null);
    this.#results = [];
    return results;
  }

  #over(stage: Stage, verdict: Verdict, said: string, withoutTls = false): SmtpAction[] {
    this.#at = 'over';
    return [{ do: 'over', stage, verdict, said, withoutTls }];
  }
}
