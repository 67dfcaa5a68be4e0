import type { SinkConfig, SinkTarget } from '../config/sink-config.ts';
import { compilePartitionKey } from '../core/partition/grouping-key.ts';
import { unpack } from '../core/spool/msgpack-reader.ts';
import type { Clock } from '../lib/clock.ts';
import { createSigner } from '../lib/hmac.ts';
import { classify, Fault } from '../model/faults.ts';
import type { Item } from '../model/item.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { printJson } from '../model/json-text.ts';
import type { MailDraft } from '../model/mail.ts';
import type { Answer, Request } from '../publishers/http-exchange.ts';
import type { Handed, PublisherContext, PublisherKind } from '../publishers/publisher.ts';
import { makeBatch } from './batch.ts';
import { Delivery } from './delivery.ts';
import { createItemCodec } from './item-codec.ts';
import { countLetter, type LetterCounts } from './letter-counts.ts';

export type { LetterCounts } from './letter-counts.ts';

/** A request, a mail, or whatever else a target takes, as it got it. */
export type Got =
  | {
      readonly kind: 'request';
      readonly method: string;
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      /** Null where it is no text. */
      readonly body: string | null;
    }
  | {
      readonly kind: 'mail';
      readonly to: readonly string[];
      readonly subject: string;
      readonly text: string;
      readonly html: string | null;
    }
  | { readonly kind: 'handed'; readonly to: JsonObject; readonly body: string };

export interface MockAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface MockOutcome {
  readonly got: readonly Got[];
  /** What keeps the publisher from working at all; null: nothing. */
  readonly failure: string | null;
}

/** Kinds whose targets are servers for HTTP, and say something to each request. */
export const answering: readonly string[] = ['http', 'gnocchi', 'otlp', 'prometheus', 'pushgateway'];

const taken: MockAnswer = { status: 200, headers: {}, body: '{}' };
/** A publisher that asks more often will ask for ever. */
const mostAsked = 1_000;

/**
 * Gives the items, as one batch, to a publisher whose target is not there: the n-th request gets the n-th answer, those beyond it 200. Tries
 * again, cuts in halves and makes dead letters as in an agent, except that waiting takes no time and the letters are only counted.
 */
export async function deliverToMock(
  kind: PublisherKind<unknown>,
  sink: SinkConfig,
  target: SinkTarget,
  items: readonly Item[],
  answers: readonly (MockAnswer | null)[],
  at: number,
  letters: LetterCounts,
): Promise<MockOutcome> {
  const got: Got[] = [];
  const clock = clockOfNoWaiting(at);
  const codec = createItemCodec(createSigner(''));
  const ask = async (request: Request): Promise<Answer> => {
    if (got.length >= mostAsked) throw new Fault('fatal', 'asks_for_ever', `it asked ${mostAsked} times`);
    const { status, headers, body } = answers[got.length] ?? taken;
    got.push(requestOf(request));
    return { status, headers, body, retryAfter: headers['retry-after'] };
  };
  const accept = async (drafts: readonly MailDraft[]) => {
    for (const { to, subject, text, html } of drafts) got.push({ kind: 'mail', to, subject, text, html });
  };
  const context: PublisherContext = {
    ...{ name: target.name, sink: sink.sink, kind: sink.from, clock, random: () => 0.5, baseDir: '.' },
    partitionKey: compilePartitionKey(sink.partitionBy),
    mail: { accept, probe: async () => undefined },
    ask,
    hand: async (handed) => void got.push({ kind: 'handed', to: handed.to, body: bodyOf(handed) }),
  };
  try {
    const publisher = await kind.open(target.parameters, context);
    const record = async ({ reason, message }: { readonly reason: string; readonly message: string }) => {
      countLetter(letters, reason, message);
      return reason;
    };
    const options = { publisher, codec, deadLetters: { record }, emit: () => undefined, clock, random: () => 0.5 };
    const lane = { batch: target.batch, maxOutboxBytes: target.maxOutboxBytes, onFull: 'suspend' as const };
    const delivery = new Delivery({ name: target.name, sink: sink.sink, ...options, ...lane });
    if (items.length > 0) await delivery.deliver(makeBatch(items, codec, false), at, new AbortController().signal);
    await publisher.close();
    return { got, failure: null };
  } catch (error) {
    return { got, failure: classify(error).message };
  }
}

function requestOf({ method, url, headers, body = '' }: Request): Got {
  const named = Object.entries(headers ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name.toLowerCase(), String(value)] as const],
  );
  return { kind: 'request', method, url: url.href, headers: Object.fromEntries(named), body: textOf(body) };
}

/** MessagePack as the JSON that was packed. */
function bodyOf({ body }: Handed): string {
  return typeof body === 'string' ? body : printJson(unpack(body) as Json);
}

function textOf(body: string | Uint8Array): string | null {
  if (typeof body === 'string') return body;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return null;
  }
}

function clockOfNoWaiting(start: number): Clock {
  let at = start;
  const now = () => at;
  const sleep = async (ms: number) => {
    at += ms;
  };
  return { now, monotonic: now, sleep };
}
