import { fixed16Bytes } from '../../core/livestatus/fixed16.ts';
import {
  afterProbe,
  type Heartbeat,
  type HeartbeatSettings,
  initialHeartbeat,
  nextProbeMs,
  type ProbeResult,
  patienceMs,
} from '../../core/livestatus/heartbeat.ts';
import type { Clock } from '../../lib/clock.ts';
import { orLate } from '../../lib/or-late.ts';
import { type AnswerSink, Channel, type Taken } from './channel.ts';
import type { Address } from './settings.ts';

export interface ProbeFacts {
  /** Column `program_start`: another value is a restarted site. */
  readonly programStart: string;
  readonly version: string;
}

interface HeartbeatOptions {
  readonly address: Address;
  readonly settings: HeartbeatSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** May the probe's connection stay open for the next one? */
  readonly keep: () => boolean;
  /** When the site last sent anything to anybody, monotonic. */
  readonly lastHeardMs: () => number;
  readonly answered: (facts: ProbeFacts, timing: { readonly ms: number; readonly firstMs: number | null }) => void;
  /** Told after each probe, `error` when it was late or failed. */
  readonly judged: (before: Heartbeat, now: Heartbeat, result: ProbeResult, error: string) => void;
}

const columns = 'GET status\nColumns: program_start livestatus_version\nOutputFormat: json\nResponseHeader: fixed16\n';
const maxBodyBytes = 4096;
type Probed = { readonly facts: ProbeFacts } | { readonly error: string };

/** Asks the site in its interval whether it lives, on a connection of its own, until the signal aborts. */
export class HeartbeatLoop {
  readonly #options: HeartbeatOptions;
  #beat: Heartbeat = initialHeartbeat;
  #channel: Channel | null = null;
  /** How long the first answer on the kept connection took. */
  #firstMs: number | null = null;
  #nextAtMs = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  get beat(): Heartbeat {
    return this.#beat;
  }

  /** Until the next probe. */
  get nextInMs(): number {
    return Math.max(0, this.#nextAtMs - this.#options.clock.monotonic());
  }

  async run(): Promise<void> {
    const { clock, signal, settings, random } = this.#options;
    signal.addEventListener('abort', () => this.#leave(), { once: true });
    try {
      while (!signal.aborted) {
        await this.#probe();
        if (signal.aborted) break;
        const inMs = nextProbeMs(this.#beat, settings, random());
        this.#nextAtMs = clock.monotonic() + inMs;
        await clock.sleep(inMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #probe(): Promise<void> {
    const { clock, settings, lastHeardMs } = this.#options;
    const keep = this.#options.keep();
    // A second opinion is worth nothing on the connection that the first one doubted.
    if (this.#beat.verdict !== 'ready' || !keep) this.#leave();
    const reused = this.#channel !== null;
    const began = clock.monotonic();
    const probed = await this.#answer(patienceMs(this.#beat, settings), keep);
    const ms = clock.monotonic() - began;
    if (probed !== 'late' && 'facts' in probed) {
      this.#options.answered(probed.facts, { ms, firstMs: reused ? this.#firstMs : null });
      if (!reused) this.#firstMs = ms;
      if (!keep) this.#leave();
      return this.#judge({ kind: 'answered', ms }, '');
    }
    this.#leave();
    if (probed === 'late')
      return this.#judge({ kind: 'late', ms, alive: lastHeardMs() > began }, `no answer within ${Math.round(ms)} ms`);
    return this.#judge({ kind: 'failed' }, probed.error);
  }

  async #answer(patience: number, keep: boolean): Promise<Probed | 'late'> {
    const answer = this.#ask(keep);
    const first = await orLate(this.#options.clock, patience, answer, 'late' as const);
    if (first !== 'late') return first;
    // We may have been the one who slept: what has come meanwhile is read before anybody is called late.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    return await Promise.race([answer, Promise.resolve('late' as const)]);
  }

  #ask(keep: boolean): Promise<Probed> {
    const { address, clock } = this.#options;
    const watcher = { heard: () => undefined, closed: () => this.#forget() };
    this.#channel ??= new Channel(address, watcher, clock.monotonic());
    const channel = this.#channel;
    return new Promise((resolve) => channel.ask(`${columns}${keep ? 'KeepAlive: on\n' : ''}\n`, probeSink(resolve)));
  }

  #forget(): void {
    this.#channel = null;
    this.#firstMs = null;
  }

  #leave(): void {
    this.#channel?.close('the probe is over');
    this.#forget();
  }

  #judge(result: ProbeResult, error: string): void {
    const before = this.#beat;
    this.#beat = afterProbe(before, result);
    this.#options.judged(before, this.#beat, result, error);
  }
}

function probeSink(resolve: (probed: Probed) => void): AnswerSink {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let code = 0;
  const body = (chunk: Buffer): Taken => {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(Buffer.from(chunk));
    return 'taken';
  };
  return {
    start(header, first) {
      code = header.code;
      return body(first.subarray(fixed16Bytes));
    },
    body,
    came: () => undefined,
    end: () => resolve(readProbe(code, Buffer.concat(chunks).toString('utf8'))),
    fail: ({ detail }) => resolve({ error: detail }),
  };
}

function readProbe(code: number, body: string): Probed {
  if (code !== 200) return { error: `table status answered ${code}` };
  try {
    const [row] = JSON.parse(body) as unknown[][];
    return { facts: { programStart: String(row?.[0] ?? ''), version: String(row?.[1] ?? '') } };
  } catch {
    return { error: 'table status answered no JSON' };
  }
}
