import { retryLoop } from '../lib/retry-loop.ts';
import { classify } from '../model/faults.ts';
import { type Item, itemId } from '../model/item.ts';
import type { LaneOptions } from './lane.ts';

const encoder = new TextEncoder();

/**
 * Makes dead letters of items that their target will never take. Resolves when all are on disk; a full disk is waited for, since the
 * alternative would be to lose them.
 */
export async function bury(
  lane: Pick<LaneOptions, 'name' | 'sink' | 'codec' | 'deadLetters' | 'emit' | 'clock' | 'random'>,
  letters: readonly { readonly item: Item; readonly message: string; readonly text?: string }[],
  reason: string,
  firstSeen: number,
  error: unknown,
  hard: AbortSignal,
): Promise<void> {
  const { name: publisher, sink, codec, deadLetters, emit, clock, random } = lane;
  if (letters.length === 0) return;
  const retryable = (thrown: unknown) => (classify(thrown).class === 'retryable' ? 0 : undefined);
  await retryLoop({ clock, random, signal: hard, baseMs: 250, capMs: 10_000, retryable }, () =>
    Promise.all(
      letters.map(({ item, message, text }) =>
        deadLetters.record({
          stage: 'publish',
          reason,
          message,
          sink,
          publisher,
          origin: null,
          messageId: itemId(item),
          body: encoder.encode(text ?? codec.lines([item])),
          firstSeen,
        }),
      ),
    ),
  );
  emit('publish:dead-letter', { sink, publisher, reason, items: letters.length, error });
}
