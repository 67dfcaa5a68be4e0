import type { Schedule } from '../../core/mail/schedule.ts';
import type { Clock } from '../../lib/clock.ts';
import { retryLoop } from '../../lib/retry-loop.ts';
import type { Emit } from '../../telemetry/events.ts';
import type { MailStore, Settlement } from './mail-store.ts';
import type { QueueTime } from './queue-time.ts';
import type { MailRecord } from './records.ts';
import type { SessionSetup } from './servers.ts';

export interface DeliveryOptions extends SessionSetup {
  readonly store: MailStore;
  readonly time: QueueTime;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  readonly schedule: Schedule;
  readonly onUncertain: 'retry' | 'hold';
  /** How many mails a session takes, and writes down, together. 1: each by itself. */
  readonly window: number;
  /** A shorter text for a mail that no server takes as it is. */
  readonly cut: (seq: number, mail: MailRecord) => Promise<void>;
  /** A dead letter, on disk when it resolves. */
  readonly bury: (mail: MailRecord, body: Uint8Array | null, settlement: Settlement, to: string) => Promise<void>;
}

/** What a server said must be written down before anything else is sent: a full disk makes us wait. Rejects only when we must leave. */
export function surely<T>({ clock, random, emit }: DeliveryOptions, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const retryable = () => 250;
  return retryLoop(
    { clock, random, signal, baseMs: 500, capMs: 5_000, retryable, onRetry: (error) => emit('mail:stalled', { error }) },
    work,
  );
}
