import { stableId } from '../model/stable-hash.ts';

/** What nobody could use, as it came. `body` is the raw message, the entry, or the item as a JSON line. */
export interface Letter {
  readonly stage: string;
  /** A stable word: `bad_json`, `http_status`, `kills_the_worker`. */
  readonly reason: string;
  readonly message: string;
  readonly sink: string | null;
  readonly publisher: string | null;
  readonly origin: string | null;
  readonly messageId: string | null;
  readonly body: Uint8Array;
  /** Epoch ms, when it was first seen to fail; without it now. */
  readonly firstSeen?: number;
  /** The item is as it came into the sink: no step has changed it before it failed, so it may enter again. */
  readonly asItCame?: true;
}

export interface StoredLetter extends Omit<Letter, 'body' | 'firstSeen'> {
  readonly id: string;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** How often the same body failed in the same way: a redelivery after a crash is not a second letter. */
  readonly times: number;
  readonly body: { readonly text: string } | { readonly base64: string };
  readonly bodyBytes: number;
  /** Only the beginning was kept. */
  readonly truncated: boolean;
  /** How often it was tried again on an operator's word; absent: never. */
  readonly retries?: number;
}

const decoder = new TextDecoder('utf-8', { fatal: true });
/** What is wrong may quote the message, which may be large; the body has all of it. */
const longestMessage = 500;

/** The letter as it is kept. Its id is a function of what failed and how, so that a redelivery finds it again. */
export function toStored(letter: Letter, now: number, maxBodyBytes: number): StoredLetter {
  const { body, firstSeen, ...rest } = letter;
  const whole = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const kept = whole.subarray(0, maxBodyBytes);
  const content = whole.toString('latin1');
  return {
    id: stableId([letter.stage, letter.reason, letter.sink ?? '', letter.publisher ?? '', letter.messageId ?? '', content]),
    ...rest,
    message: letter.message.slice(0, longestMessage),
    firstSeen: firstSeen ?? now,
    lastSeen: now,
    times: 1,
    body: asText(kept),
    bodyBytes: body.byteLength,
    truncated: kept.length < whole.length,
  };
}

/** Text where it is text, for people; else base64, for nothing may be lost. */
function asText(bytes: Buffer): StoredLetter['body'] {
  try {
    return { text: decoder.decode(bytes) };
  } catch {
    return { base64: bytes.toString('base64') }; // not UTF-8, which is often why it is here
  }
}
