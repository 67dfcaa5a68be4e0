import { parseItemLine, parseItemLines } from '../core/convert/wire.ts';
import type { Again } from '../inputs/input.ts';
import { parseEntry } from '../model/entry.ts';
import type { Item } from '../model/item.ts';
import type { RetryRequest } from './dead-letters.ts';
import type { StoredLetter } from './letter.ts';

/** Where a letter takes up its way again: before the listener, or at the one publisher that refused it. */
export type WayAgain =
  | { readonly kind: 'listener'; readonly again: Again }
  | { readonly kind: 'publisher'; readonly sink: string; readonly publisher: string; readonly item: Item };

export const leftOutReasons: Readonly<Record<string, string>> = {
  truncated: 'only the beginning of the body was kept',
  mail: 'a mail is made of an event; it is sent again by `ceilograph mail` while it waits, not after it was given up',
  not_ours: 'nobody of this cluster wrote it',
  unspeakable: 'no line of JSON says it',
  changed_before: 'a step of the sink had changed the item before it failed; replay the notification it came of',
  stands_in_part: 'what is right in it stands; the rest is for its sender to mend',
  unknown_stage: 'it comes from another version',
  retried_too_often: 'it was tried again 3 times; --force tries once more',
};

/** Null when it can be tried again, else a word of `leftOutReasons`. Decided from the letter alone. */
export function whyNotAgain(letter: StoredLetter): string | null {
  if (letter.truncated) return 'truncated';
  if (letter.stage === 'mail' || letter.reason === 'bad_mail') return 'mail';
  if (letter.reason === 'bad_signature' || letter.reason === 'bad_entry') return 'not_ours';
  if (letter.reason === 'unspeakable') return 'unspeakable';
  if (letter.reason === 'bad_canary') return 'not_ours';
  if (letter.reason === 'bad_report') return 'stands_in_part';
  if (letter.stage === 'transform' && letter.reason !== 'kills_the_worker' && letter.asItCame !== true) return 'changed_before';
  return ['decode', 'reports', 'samples', 'events', 'append', 'transform', 'publish'].includes(letter.stage)
    ? null
    : 'unknown_stage';
}

/**
 * What a letter becomes when it is tried again, so that nothing that stands already is computed a second time: of a notification
 * whose samples failed the events are not made again, an item that one publisher refused goes to that one alone. What enters a sink anew
 * does so under an id of this very request, which a retry that was broken off repeats and no other does.
 *
 * Throws where the body is not what the stage says.
 */
export function wayAgain(letter: StoredLetter, request: RetryRequest): WayAgain {
  const { stage, reason, sink, publisher } = letter;
  const toSink = (parts: Extract<Again, { kind: 'items' }>['parts']): WayAgain => {
    if (sink === null) throw new Error('the letter names no sink');
    return { kind: 'listener', again: { kind: 'items', sink, parts } };
  };
  if (stage === 'publish') {
    if (sink === null || publisher === null) throw new Error('the letter names no publisher');
    return { kind: 'publisher', sink, publisher, item: parseItemLine(textOf(letter)) };
  }
  if (reason === 'kills_the_worker') {
    const entry = parseEntry(textOf(letter));
    // Its notifications were never taken for known.
    return toSink(entry.kind === 'data' ? entry.notifications : []);
  }
  if (stage === 'append' || stage === 'transform')
    return toSink([{ id: `retry/${letter.id}/${request.number}`, items: parseItemLines(textOf(letter)) }]);
  const only = reason === 'too_many_samples' || reason === 'too_large_output' || stage === 'decode' ? null : stage;
  return { kind: 'listener', again: { kind: 'notification', only: only === 'samples' || only === 'events' ? only : null } };
}

export function bodyOf(letter: StoredLetter): Buffer {
  return 'text' in letter.body ? Buffer.from(letter.body.text) : Buffer.from(letter.body.base64, 'base64');
}

function textOf(letter: StoredLetter): string {
  return bodyOf(letter).toString('utf8');
}
