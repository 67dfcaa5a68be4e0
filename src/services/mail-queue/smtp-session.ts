import * as net from 'node:net';
import * as tls from 'node:tls';
import { ReplyReader } from '../../core/mail/reply.ts';
import {
  type Envelope,
  type RecipientResult,
  type SessionPolicy,
  type SmtpAction,
  type SmtpInput,
  SmtpMachine,
} from '../../core/mail/smtp-machine.ts';
import type { Stage, Verdict } from '../../core/mail/verdict.ts';
import type { Clock } from '../../lib/clock.ts';
import type { TlsOptions } from '../../model/tls-files.ts';

export interface Timeouts {
  readonly connectMs: number;
  /** Greeting, EHLO, AUTH, MAIL, RCPT, DATA: each. */
  readonly replyMs: number;
  /** Each 64 KiB of a text. */
  readonly blockMs: number;
  /** After the final dot: long, since whoever gives up sooner may send twice (RFC 5321, 4.5.3.2.6). */
  readonly dotMs: number;
  readonly quitMs: number;
}

export const defaultTimeouts: Timeouts = {
  connectMs: 30_000,
  replyMs: 60_000,
  blockMs: 180_000,
  dotMs: 600_000,
  quitMs: 1_000,
};

export interface SessionOptions extends SessionPolicy {
  readonly host: string;
  readonly port: number;
  readonly tlsOptions: TlsOptions;
  readonly timeouts: Timeouts;
  readonly clock: Clock;
}

/** Why a session is over. */
export interface SessionEnd {
  readonly stage: Stage;
  readonly verdict: Verdict;
  readonly said: string;
  readonly withoutTls: boolean;
}

const blockBytes = 64 * 1024;
const lookMs = 1_000;

/** The socket around the machine of `smtp-machine.ts`: it moves bytes and watches the time, and decides nothing. */
export class SmtpSession {
  readonly #options: SessionOptions;
  readonly #machine: SmtpMachine;
  readonly #watching = new AbortController();
  #socket: net.Socket;
  #reader = new ReplyReader();
  #deadline = Number.POSITIVE_INFINITY;
  #end: SessionEnd | null = null;
  #isConnected = false;
  #body: Uint8Array = new Uint8Array();
  #results: readonly RecipientResult[] = [];
  #settled: (() => void) | null = null;

  private constructor(options: SessionOptions) {
    this.#options = options;
    this.#machine = new SmtpMachine(options);
    const { host, port } = options;
    this.#setDeadline(options.timeouts.connectMs);
    this.#socket = options.tls === 'implicit' ? this.#connectTls({ host, port }) : net.connect({ host, port });
    this.#socket.once(options.tls === 'implicit' ? 'secureConnect' : 'connect', () => {
      this.#isConnected = true;
      this.#setDeadline(options.timeouts.replyMs);
    });
    this.#listen();
    void this.#watch();
  }

  /** Connects and goes as far as a mail may be sent. Either a session that is ready, or why there is none. */
  static async open(options: SessionOptions, signal: AbortSignal): Promise<SmtpSession | SessionEnd> {
    const session = new SmtpSession(options);
    const onAbort = () => session.#fault('closed', 'we leave');
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    await session.#whenSettled();
    signal.removeEventListener('abort', onAbort);
    return session.#end ?? session;
  }

  get end(): SessionEnd | null {
    return this.#end;
  }

  /** One transaction. `results` is empty when the session ended before anything of it was written. */
  async send(envelope: Envelope, stuffed: Uint8Array): Promise<readonly RecipientResult[]> {
    this.#results = [];
    if (this.#end !== null) return [];
    this.#body = stuffed;
    this.#do(this.#machine.on({ kind: 'send', envelope }));
    await this.#whenSettled();
    this.#body = new Uint8Array();
    return this.#results;
  }

  /** Says goodbye and waits for the answer no longer than `quitMs`: what was delivered is delivered, whatever it says. */
  async close(): Promise<void> {
    if (this.#end === null) {
      this.#settled = null;
      this.#do(this.#machine.on({ kind: 'quit' }));
      this.#setDeadline(this.#options.timeouts.quitMs);
      const { clock, timeouts } = this.#options;
      const over = new AbortController();
      const late = clock.sleep(timeouts.quitMs, over.signal).catch(() => undefined); // over before
      await Promise.race([this.#whenSettled(), late]);
      over.abort(new Error('over'));
    }
    this.#destroy();
  }

  /** At once, without a word. */
  abandon(): void {
    this.#fault('closed', 'we leave');
  }

  #whenSettled(): Promise<void> {
    if (this.#end !== null || this.#machine.stage === null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#settled = resolve;
    });
  }

  #listen(): void {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#fault('closed', 'the server closed the connection'));
    socket.on('close', () => this.#fault('closed', 'the connection is closed'));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onError(error));
  }

  #onError(error: NodeJS.ErrnoException): void {
    const said = error.code === undefined ? error.message : `${error.code}: ${error.message}`;
    if (this.#isConnected) this.#fault('closed', said);
    else if (this.#options.tls === 'implicit' && !isNetworkError(error))
      this.#do(this.#machine.on({ kind: 'not-secured', detail: said }));
    else this.#finish({ stage: 'connect', verdict: 'server', said, withoutTls: false });
  }

  #onData(chunk: Buffer): void {
    const replies = this.#reader.push(chunk);
    const hasRest = this.#reader.hasRest;
    for (const [index, reply] of replies.entries()) {
      if (reply === 'garbage') this.#fault('garbage', 'no SMTP reply');
      else this.#do(this.#machine.on({ kind: 'reply', reply, more: hasRest || index < replies.length - 1 }));
    }
  }

  #fault(fault: Extract<SmtpInput, { kind: 'fault' }>['fault'], detail: string): void {
    if (this.#end !== null) return;
    if (!this.#isConnected) this.#finish({ stage: 'connect', verdict: 'server', said: detail, withoutTls: false });
    else this.#do(this.#machine.on({ kind: 'fault', fault, detail }));
  }

  #do(actions: readonly SmtpAction[]): void {
    for (const action of actions) {
      switch (action.do) {
        case 'write':
          this.#socket.write(action.text);
          break;
        case 'start-tls':
          this.#startTls();
          break;
        case 'write-body':
          void this.#writeBody();
          break;
        case 'outcome':
          this.#results = action.results;
          break;
        case 'ready':
          break;
        case 'over':
          this.#finish(action);
          break;
      }
    }
    if (this.#end !== null) return;
    const { stage } = this.#machine;
    const { timeouts } = this.#options;
    if (stage === null) {
      this.#deadline = Number.POSITIVE_INFINITY;
      const settled = this.#settled;
      this.#settled = null;
      settled?.();
    } else this.#setDeadline(stage === 'dot' ? timeouts.dotMs : stage === 'body' ? timeouts.blockMs : timeouts.replyMs);
  }

  #finish(end: SessionEnd): void {
    this.#end = end;
    this.#destroy();
    const settled = this.#settled;
    this.#settled = null;
    settled?.();
  }

  #destroy(): void {
    this.#watching.abort(new Error('over'));
    this.#socket.destroy();
  }

  #startTls(): void {
    const raw = this.#socket;
    raw.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close').removeAllListeners('error');
    raw.on('error', () => undefined); // it is told through the encrypted one
    this.#reader = new ReplyReader();
    const secure = this.#connectTls({ socket: raw });
    let isSecured = false;
    const notSecured = (detail: string) => {
      if (!isSecured) this.#do(this.#machine.on({ kind: 'not-secured', detail }));
    };
    secure.once('secureConnect', () => {
      isSecured = true;
      this.#do(this.#machine.on({ kind: 'secured' }));
    });
    secure.once('error', (error: Error) => notSecured(`no TLS: ${error.message}`));
    secure.once('close', () => notSecured('no TLS: the server closed the connection'));
    this.#socket = secure;
    this.#listen();
  }

  /** Opportunistic means: against listeners, not against a server that is somebody else. So only then nothing is verified. */
  #connectTls(target: tls.ConnectionOptions): tls.TLSSocket {
    const { host, tls: mode, tlsOptions } = this.#options;
    const servername = tlsOptions.servername ?? (net.isIP(host) === 0 ? host : undefined);
    return tls.connect({
      host,
      ...target,
      ...tlsOptions,
      ...(servername === undefined ? {} : { servername }),
      rejectUnauthorized: mode !== 'opportunistic' && tlsOptions.rejectUnauthorized !== false,
    });
  }

  /** In blocks, so that a connection lost halfway is known to have been: only the last block holds the final dot. */
  async #writeBody(): Promise<void> {
    const body = this.#body;
    const socket = this.#socket;
    let from = 0;
    while (body.length - from > blockBytes) {
      const block = body.subarray(from, from + blockBytes);
      from += blockBytes;
      await new Promise<void>((resolve) => socket.write(block, () => resolve()));
      if (this.#end !== null || this.#machine.stage !== 'body') return;
      this.#setDeadline(this.#options.timeouts.blockMs);
    }
    this.#do(this.#machine.on({ kind: 'dot' }));
    if (this.#end === null) socket.write(body.subarray(from));
  }

  #setDeadline(ms: number): void {
    this.#deadline = this.#options.clock.monotonic() + ms;
  }

  /** One look a second instead of a timer for every reply. */
  async #watch(): Promise<void> {
    const { clock } = this.#options;
    while (this.#end === null && !this.#watching.signal.aborted) {
      const left = this.#deadline - clock.monotonic();
      if (left <= 0) {
        this.#fault('timeout', 'no answer in time');
        continue;
      }
      await clock.sleep(Math.min(lookMs, left), this.#watching.signal).catch(() => undefined); // over
    }
  }
}

function isNetworkError({ code }: NodeJS.ErrnoException): boolean {
  return code !== undefined && /^(?:ECONN|EHOST|ENET|ETIMEDOUT|ENOTFOUND|EAI_|EPIPE|EADDR)/.test(code);
}
