import { retryDelayMs, type Schedule } from './schedule.ts';
import type { RecipientResult } from './smtp-machine.ts';
import type { Verdict } from './verdict.ts';

/** What is known when a recipient's result is in. */
export interface Attempt {
  /** Cycles through the servers, this one counted. */
  readonly attempts: number;
  /** A server that this cycle has not tried is at hand. */
  readonly hasNext: boolean;
  /** This session went without extensions already. */
  readonly wasPlain: boolean;
  /** The text was cut to a server's limit already. */
  readonly wasCut: boolean;
  /** Somebody else of the same transaction was accepted. */
  readonly othersAccepted: boolean;
  readonly onUncertain: 'retry' | 'hold';
  readonly random: number;
  readonly now: number;
  readonly schedule: Schedule;
}

export type Step =
  | { readonly kind: 'delivered' }
  /** In the same session, in a transaction of its own. */
  | { readonly kind: 'again-now' }
  /** In a new session of the same server that uses no extension. */
  | { readonly kind: 'without-extensions' }
  | { readonly kind: 'next-server' }
  /** With a shorter text, and then anew. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'later'; readonly at: number; readonly isUncertain: boolean; readonly alarm: string | null }
  | { readonly kind: 'hold' }
  | { readonly kind: 'failed'; readonly reason: FailureReason; readonly alarm: string | null };

export type FailureReason = 'recipient_refused' | 'content_refused' | 'too_large' | 'not_understood' | 'incapable' | 'expired';

/** What happens with a recipient of a mail now. The table is that of `verdict.ts`, with the counters of this mail. */
export function stepAfter({ verdict }: Pick<RecipientResult, 'verdict'>, attempt: Attempt): Step {
  const nextOr = (otherwise: Step): Step => (attempt.hasNext ? { kind: 'next-server' } : otherwise);
  switch (verdict) {
    case 'ok':
      return { kind: 'delivered' };
    case 'server':
    case 'server-closed':
    case 'configuration':
    case 'message-later':
    case 'ignored':
      return nextOr(later(attempt, 'plain'));
    case 'policy':
      return nextOr(later(attempt, 'refused', 'every server refuses the sender'));
    case 'too-large':
      return nextOr(attempt.wasCut ? failed('too_large') : { kind: 'cut' });
    case 'incapable':
      return nextOr(failed('incapable'));
    case 'protocol':
      return attempt.wasPlain ? failed('not_understood', 'a server does not understand us') : { kind: 'without-extensions' };
    case 'recipient-soon':
      return attempt.othersAccepted ? { kind: 'again-now' } : later(attempt, 'plain');
    case 'recipient-later':
      return later(attempt, 'plain');
    case 'greylisted':
      return later(attempt, 'greylisted');
    case 'recipient-never':
      return failed('recipient_refused');
    case 'message-never':
      return failed('content_refused');
    case 'uncertain':
      return attempt.onUncertain === 'hold' ? { kind: 'hold' } : { ...later(attempt, 'plain'), isUncertain: true };
  }
}

/** What a session's end means for its server: nothing, the usual pause, or the longest with or without an alarm. */
export function serverFate(verdict: Verdict): 'well' | 'usual' | 'longest' | 'alarm' {
  switch (verdict) {
    case 'server':
    case 'uncertain':
      return 'usual';
    case 'server-closed':
      return 'longest';
    case 'configuration':
      return 'alarm';
    default:
      return 'well';
  }
}

type Later = Extract<Step, { kind: 'later' }>;

function later(attempt: Attempt, why: 'plain' | 'greylisted' | 'refused', alarm: string | null = null): Later {
  const { attempts, random, now, schedule } = attempt;
  return { kind: 'later', at: now + retryDelayMs(attempts, random, why, schedule), isUncertain: false, alarm };
}

function failed(reason: FailureReason, alarm: string | null = null): Step {
  return { kind: 'failed', reason, alarm };
}
