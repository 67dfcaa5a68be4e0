import type { Reply } from './reply.ts';

/** Where in a session something happened. */
export type Stage =
  | 'connect'
  | 'greeting'
  | 'ehlo'
  | 'starttls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'body'
  | 'dot'
  | 'rset'
  | 'quit';

/** What happened there: an answer, or the lack of one. `closed` is FIN, RST and every socket error. */
export type Happening = Reply | 'refused' | 'closed' | 'timeout' | 'garbage';

/**
 * What it means, and for whom.
 *
 * | verdict           | this server            | this mail or recipient                             | next server now? |
 * |-------------------|------------------------|----------------------------------------------------|------------------|
 * | `ok`              | works                  | goes on                                            |                  |
 * | `server`          | cools down             | waits, unchanged                                   | yes              |
 * | `server-closed`   | cools down at once to the longest | waits, unchanged                        | yes              |
 * | `configuration`   | the same, and an alarm | waits, never failed by it                          | yes              |
 * | `message-later`   | works                  | later, with backoff                                | yes              |
 * | `too-large`       | works                  | another server may take more; else cut once, else failed | yes        |
 * | `incapable`       | works                  | another server may take non-ASCII addresses or bytes; else failed | yes |
 * | `policy`          | works                  | when every server refuses: later, and an alarm     | yes              |
 * | `protocol`        | works                  | once more without extensions, then failed, alarm   | no               |
 * | `recipient-later` | works                  | this recipient later                               | no               |
 * | `greylisted`      | works                  | this recipient later, not before 300 s             | no               |
 * | `recipient-soon`  | works                  | too many at once: the rest again in this session   | no               |
 * | `recipient-never` | works                  | this recipient failed                              | no               |
 * | `message-never`   | works                  | failed for its content                             | no               |
 * | `uncertain`       | cools down             | may have arrived: later, never elsewhere now       | no               |
 * | `ignored`         | connection closed      | what is delivered stays delivered                  |                  |
 */
export type Verdict =
  | 'ok'
  | 'server'
  | 'server-closed'
  | 'configuration'
  | 'message-later'
  | 'too-large'
  | 'incapable'
  | 'policy'
  | 'protocol'
  | 'recipient-later'
  | 'greylisted'
  | 'recipient-soon'
  | 'recipient-never'
  | 'message-never'
  | 'uncertain'
  | 'ignored';

const notUnderstood = new Set([500, 501, 502, 503, 504, 555]);
/** RFC 5321, 4.3.2: service not available, closing the channel. Wherever it comes, the connection is over. */
export const closing = 421;

/**
 * The table of the state machine: every stage × every reply and fault. The first digit of the reply decides, the enhanced code only
 * refines it (RFC 3463); RCPT 552 is read as 452 (RFC 5321, 4.5.3.1.10); a connection lost before the final dot was written
 * delivered nothing (3.8), one lost after it may have (RFC 1047).
 */
export function verdictOn(stage: Stage, happening: Happening): Verdict {
  if (stage === 'rset' || stage === 'quit') return 'ignored';
  if (typeof happening === 'string') return stage === 'dot' ? 'uncertain' : 'server';
  const { code } = happening;
  const digit = Math.floor(code / 100);
  switch (stage) {
    case 'connect':
    case 'body':
      return 'server'; // nothing is to be said here: whatever it is, it is no answer to us
    case 'greeting':
      return code === 220 ? 'ok' : digit === 5 ? 'server-closed' : 'server';
    case 'ehlo':
      return code === 250 ? 'ok' : 'server';
    case 'starttls':
      return code === 220 ? 'ok' : code === closing ? 'server' : 'configuration';
    case 'auth':
      return code === 235 ? 'ok' : digit === 4 ? 'server' : 'configuration';
    case 'mail':
      return digit === 2 ? 'ok' : ofMail(happening, digit);
    case 'rcpt':
      return digit === 2 ? 'ok' : ofRecipient(happening, digit);
    case 'data':
      if (code === 354) return 'ok';
      return digit === 4 ? ofMail(happening, digit) : digit === 5 ? ofRecipient(happening, digit) : 'protocol';
    case 'dot':
      if (digit === 2) return 'ok';
      return digit === 4 ? 'message-later' : digit === 5 ? 'message-never' : 'uncertain';
  }
}

function ofMail({ code }: Reply, digit: number): Verdict {
  if (code === closing) return 'server';
  if (digit === 4) return 'message-later';
  if (digit === 3 || notUnderstood.has(code)) return 'protocol';
  return code === 552 ? 'too-large' : 'policy';
}

function ofRecipient(reply: Reply, digit: number): Verdict {
  const { code, enhanced } = reply;
  if (code === closing) return 'server';
  if (digit === 3 || notUnderstood.has(code)) return 'protocol';
  if (code === 452 || code === 552) {
    const isFull = enhanced === '4.2.2' || enhanced === '5.2.2' || enhanced === '4.3.1';
    return isFull ? 'recipient-later' : 'recipient-soon';
  }
  if (digit === 4) return isGreylisting(reply) ? 'greylisted' : 'recipient-later';
  if (code === 530) return 'policy';
  return enhanced?.startsWith('5.7.') === true || enhanced === '5.1.8' ? 'policy' : 'recipient-never';
}

/** No standard says it: these are the codes and the word that greylisting servers use. */
function isGreylisting({ code, enhanced, lines }: Reply): boolean {
  if (code !== 450 && code !== 451) return false;
  return enhanced === '4.2.0' || enhanced === '4.7.1' || lines.some((line) => /gr[ea]y/i.test(line));
}
