import type { Socket } from 'node:net';
import { type Fixed16, fixed16Bytes, toFixed16 } from '../../core/livestatus/fixed16.ts';
import { type OwnAnswer, ownAnswers } from '../../core/livestatus/own-answers.ts';
import { parseRequest, type Request, wantsFixed16 } from '../../core/livestatus/request.ts';
import { RequestFramer } from '../../core/livestatus/request-framer.ts';
import type { ServerQuirks } from '../../core/livestatus/server-kind.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Emit } from '../../telemetry/events.ts';
import type { Taken } from './channel.ts';
import type { Asker, Job } from './job.ts';
import type { SiteLimits } from './settings.ts';

/** Where a client's questions go. */
export interface Answerer {
  readonly id: string;
  readonly quirks: ServerQuirks;
  submit(job: Job): void;
  cancel(job: Job): void;
}

interface ClientOptions {
  readonly socket: Socket;
  readonly name: string;
  readonly site: Answerer;
  readonly limits: SiteLimits;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly closed: (client: Client) => void;
}

/** Pipelined bytes that may wait while one request is being answered; more stay with the client. */
const readAheadBytes = 64 * 1024;

/**
 * A connection of somebody who asks.
 *
 * States: `query` (a request is awaited or half there) → `channel` (it waits for a channel) → `response` → `query` again when it keeps
 * the connection alive, else closed. Requests are answered one after the other, in the order in which they came.
 */
export class Client implements Asker {
  readonly name: string;
  readonly #options: ClientOptions;
  readonly #socket: Socket;
  readonly #framer = new RequestFramer();
  #job: Job | null = null;
  #number = 0;
  #ended = false;
  #closed = false;
  #swallow = false;
  #pumping = false;
  #again = false;
  /** Since when the request that has begun is awaited. */
  #sinceMs: number;

  constructor(options: ClientOptions) {
    const { socket, clock, name } = options;
    this.#options = options;
    this.#socket = socket;
    this.name = name;
    this.#sinceMs = clock.monotonic();
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => {
      this.#ended = true;
      this.#pump();
    });
    socket.on('drain', () => {
      this.#job?.channel?.resume();
      this.#pump();
    });
    socket.on('error', () => undefined); // it is followed by close
    socket.on('close', () => this.#onClose());
  }

  get state(): 'query' | 'channel' | 'response' {
    return this.#job === null || this.#job.state === 'done' ? 'query' : this.#job.state;
  }

  get sinceMs(): number {
    return this.#job?.stateSinceMs ?? this.#sinceMs;
  }

  get job(): Job | null {
    return this.#job;
  }

  /** The client had long enough for its request. */
  expire(nowMs: number): void {
    if (this.#job !== null || !this.#framer.begun || nowMs - this.#sinceMs < this.#options.limits.requestMs) return;
    this.#own(ownAnswers.unfinished(), this.#framer.rest()?.lines ?? []);
  }

  /** Nothing more is taken; who is not being answered is let go. */
  close(): void {
    if (this.#job === null) this.#socket.end();
    this.#ended = true;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  start(header: Fixed16, bytes: Buffer): Taken {
    const fixed16 = this.#job?.request?.fixed16 === true;
    this.#swallow = !fixed16 && header.code !== 200 && this.#options.site.quirks.bareErrors === 'silence';
    return this.body(fixed16 ? bytes : bytes.subarray(fixed16Bytes));
  }

  body(chunk: Buffer): Taken {
    const socket = this.#socket;
    if (this.#job === null || this.#swallow || chunk.length === 0 || socket.destroyed) return 'taken';
    // Only one piece of a channel's memory waits here, however small the pieces: what comes behind it is copied.
    const behind = socket.writableLength > 0;
    socket.write(behind ? Buffer.from(chunk) : chunk);
    if (socket.writableLength >= this.#options.limits.clientBufferBytes) return 'full';
    return behind || socket.writableLength === 0 ? 'taken' : 'kept';
  }

  end(): void {
    if (this.#job === null) return;
    const { request } = this.#job;
    // Who gets neither header nor text of an error would wait for it for ever; a command awaits no answer.
    const stays = request?.keepAlive === true && (!this.#swallow || request.method === 'COMMAND');
    this.#done('answered');
    if (stays) this.#pump();
    else this.#finish();
  }

  refuse(answer: OwnAnswer): void {
    if (this.#job === null) return;
    const { site, emit } = this.#options;
    const { request } = this.#job;
    emit('livestatus:refused', { site: site.id, code: answer.code, error: answer.text });
    this.#job.code = answer.code;
    this.#done('refused');
    if (request?.fixed16 !== true) {
      this.#finish();
      return;
    }
    this.#write(answer);
    if (request.keepAlive) this.#pump();
    else this.#finish();
  }

  silence(): void {
    if (this.#job === null) return;
    this.#done('answered');
    this.#finish();
  }

  abort(why: string): void {
    if (this.#job === null) return;
    const { site, emit } = this.#options;
    emit('livestatus:cut-off', { site: site.id, error: why });
    this.#done('cut off');
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    if (this.#closed) return;
    const { clock } = this.#options;
    if (!this.#framer.begun) this.#sinceMs = clock.monotonic();
    this.#framer.push(chunk.toString('latin1'));
    if (this.#job === null) this.#pump();
    if (this.#framer.waiting > readAheadBytes) this.#socket.pause();
  }

  /** In turns, not by recursion: a client may send thousands of requests that are answered at once. */
  #pump(): void {
    this.#again = true;
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#again) {
      this.#again = false;
      this.#step();
    }
    this.#pumping = false;
  }

  #step(): void {
    const { limits, site } = this.#options;
    if (this.#job !== null || this.#closed) return;
    // A client that sends and does not read gets no further answers until it does.
    if (this.#socket.writableLength >= limits.clientBufferBytes) return;
    const { maxLineBytes } = site.quirks;
    const framed = this.#framer.next({ maxLineBytes, maxRequestBytes: limits.maxRequestBytes });
    if (this.#socket.isPaused() && this.#framer.waiting <= readAheadBytes) this.#socket.resume();
    if (framed === null) {
      if (this.#ended) this.#onRest();
      return;
    }
    if (framed.kind === 'too-long') {
      const limit = Math.min(maxLineBytes, limits.maxRequestBytes);
      this.#own(ownAnswers.tooLong(`more than ${limit} bytes`), framed.lines);
      return;
    }
    this.#ask(framed.lines);
  }

  /** The client has closed its half behind something that is no complete request. */
  #onRest(): void {
    const { quirks } = this.#options.site;
    const rest = this.#framer.rest();
    if (rest === null) {
      this.#finish();
      return;
    }
    if (!quirks.halfCloseEndsRequest) {
      this.#finish();
      return;
    }
    if (rest.whole) {
      this.#ask(rest.lines);
      return;
    }
    this.#own(ownAnswers.unfinished(), rest.lines);
  }

  #ask(lines: readonly string[]): void {
    const { site, clock } = this.#options;
    // Every server that we know closes without a word.
    if (lines.length === 0) {
      this.#finish();
      return;
    }
    const now = clock.monotonic();
    this.#number += 1;
    const request: Request | null = parseRequest(lines);
    this.#job = {
      trace: `${this.name}.${this.#number}`,
      request,
      lines,
      asker: this,
      sinceMs: now,
      state: 'channel',
      stateSinceMs: now,
      channel: null,
      attempts: 0,
      begun: false,
      code: 0,
      bytes: 0,
      ending: null,
    };
    site.submit(this.#job);
  }

  /** An answer of ours to what never became a job, and the end: nobody knows where the next request begins. */
  #own(answer: OwnAnswer, lines: readonly string[]): void {
    const { site, emit } = this.#options;
    emit('livestatus:refused', { site: site.id, code: answer.code, error: answer.text });
    if (wantsFixed16(lines)) this.#write(answer);
    this.#finish();
  }

  #write({ code, text }: OwnAnswer): void {
    const body = Buffer.from(text);
    this.#socket.write(Buffer.concat([Buffer.from(toFixed16({ code, length: body.length }), 'latin1'), body]));
  }

  #done(outcome: 'answered' | 'refused' | 'cut off' | 'gone'): void {
    const job = this.#job;
    if (job === null) return;
    const { site, clock, emit } = this.#options;
    const now = clock.monotonic();
    this.#job = null;
    this.#sinceMs = now;
    emit('livestatus:query', {
      site: site.id,
      trace: job.trace,
      table: job.request === null ? '' : job.request.method === 'GET' ? job.request.table : 'COMMAND',
      outcome,
      code: job.code,
      bytes: job.bytes,
      seconds: (now - job.sinceMs) / 1000,
    });
  }

  #finish(): void {
    this.#closed = true;
    this.#socket.end();
    // What the client still sends is read and thrown away: unread bytes would turn our orderly end into a reset. Not for ever.
    this.#socket.resume().setTimeout(this.#options.limits.requestMs, () => this.#socket.destroy());
  }

  #onClose(): void {
    this.#closed = true;
    const job = this.#job;
    this.#done('gone');
    if (job !== null) this.#options.site.cancel(job);
    this.#options.closed(this);
  }
}
