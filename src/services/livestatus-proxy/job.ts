import type { Fixed16 } from '../../core/livestatus/fixed16.ts';
import type { OwnAnswer } from '../../core/livestatus/own-answers.ts';
import type { Request } from '../../core/livestatus/request.ts';
import type { Channel, Taken } from './channel.ts';

/** Who is answered. Hears `start`, `body` … `end`, or instead of the rest `refuse` or `abort`. */
export interface Asker {
  /** `bytes` are the header and what of the body came with it. */
  start(header: Fixed16, bytes: Buffer): Taken;
  body(chunk: Buffer): Taken;
  end(): void;
  /** Nothing was sent yet: our own answer instead. */
  refuse(answer: OwnAnswer): void;
  /** The site closed without a word, and so should we. */
  silence(): void;
  /** Bytes were sent and the rest will never come: cut off, never padded. */
  abort(why: string): void;
}

/**
 * A question of one client.
 *
 * States: `channel` (waits in the line of its site) → `response` (a channel works on it) → `done`. `channel` → `done` by an answer of
 * our own. A GET whose channel breaks before the first byte goes back to `channel` once; nothing else ever does.
 */
export interface Job {
  /** For logs: client and number. */
  readonly trace: string;
  /** Null: not understood, relayed untouched. */
  readonly request: Request | null;
  readonly lines: readonly string[];
  asker: Asker;
  readonly sinceMs: number;
  state: 'channel' | 'response' | 'done';
  stateSinceMs: number;
  channel: Channel | null;
  attempts: number;
  /** The site has answered something. */
  begun: boolean;
  code: number;
  bytes: number;
  /** Why we closed its channel, in our own words; null as long as we did not. */
  ending: OwnAnswer | null;
}
