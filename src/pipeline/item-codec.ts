import { fileText } from '../core/convert/file-text.ts';
import type { Sign } from '../core/convert/signature.ts';
import { itemLines, parseItemLines, toEventMessage, toMeteringMessage } from '../core/convert/wire.ts';
import { type Item, isEvent } from '../model/item.ts';

/** How items become text. Handed to lanes, since the secret that signs messages is the agent's. */
export interface ItemCodec {
  /** JSON Lines, one per item, each with its newline. Throws poison for what JSON cannot say. */
  lines(items: readonly Item[]): string;
  parse(text: string): Item[];
  /** The signed message of Ceilometer's wire model, as a JSON text; that of a sample may name who publishes it. */
  message(item: Item, publisherId?: string): string;
  /** What Ceilometer's file publisher writes, without a newline. */
  fileText(item: Item, form: 'json' | 'python'): string;
}

/** With the agent's signer: `createSigner(telemetrySecret)` of `lib/hmac.ts`. */
export function createItemCodec(sign: Sign): ItemCodec {
  return {
    lines: itemLines,
    parse: parseItemLines,
    message: (item, publisherId) => (isEvent(item) ? toEventMessage(item, sign) : toMeteringMessage(item, sign, publisherId)),
    fileText,
  };
}
