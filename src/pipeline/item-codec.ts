import { fileText } from '../core/convert/file-text.ts';
import type { Sign } from '../core/convert/signature.ts';
import { itemLines, parseItemLines, toEventMessage, toMeteringMessage } from '../core/convert/wire.ts';
import { type Item, isEvent } from '../model/item.ts';
import type { TextForm } from '../publishers/publisher.ts';

/** How items become text. Handed to lanes, since the secret that signs messages is the agent's. */
export interface ItemCodec {
  /** JSON Lines, one per item, each with its newline. Throws poison for what JSON cannot say. */
  lines(items: readonly Item[]): string;
  parse(text: string): Item[];
  /** The signed messages of all of them, one per line. `parse` reads these too. Throws as `lines`. */
  messageLines(items: readonly Item[]): string;
  /** The signed message of Ceilometer's wire model, as a JSON text; that of a sample may name who publishes it. */
  message(item: Item, publisherId?: string): string;
  /** What Ceilometer's file publisher writes, without a newline. */
  fileText(item: Item, form: 'json' | 'python'): string;
}

/** With the agent's signer: `createSigner(telemetrySecret)` of `lib/hmac.ts`. */
export function createItemCodec(sign: Sign): ItemCodec {
  const message = (item: Item, publisherId?: string) =>
    isEvent(item) ? toEventMessage(item, sign) : toMeteringMessage(item, sign, publisherId);
  const messageLines = (items: readonly Item[]) => [...items.map((item) => message(item)), ''].join('\n');
  return { lines: itemLines, parse: parseItemLines, messageLines, message, fileText };
}

/** The text of a target that takes one; of the others JSON Lines, for whatever has to be written down. */
export function printerOf(codec: ItemCodec, takes: TextForm | undefined): ItemCodec['lines'] {
  return takes === 'messages' ? codec.messageLines : codec.lines;
}
