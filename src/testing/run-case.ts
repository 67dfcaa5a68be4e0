import type { SinkConfig } from '../config/sink-config.ts';
import type { Converter } from '../core/convert/converter.ts';
import { decodeNotification } from '../core/convert/envelope.ts';
import { toItemLine } from '../core/convert/wire.ts';
import { parseEventTime } from '../core/transformers/event-time.ts';
import { type Item, itemTime } from '../model/item.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { parseJson } from '../model/json-text.ts';
import { deliverToMock, type LetterCounts } from '../pipeline/mock-target.ts';
import { Replay } from '../pipeline/replay.ts';
import type { PublisherKind } from '../publishers/publisher.ts';
import { differingFields } from './compare-items.ts';
import { type Filling, givenEvent, givenNotification, givenSample } from './given-items.ts';
import { pairInOrder, pairUnordered } from './pair-items.ts';
import { readBody, toWritten } from './published.ts';
import type { Counts, Expected, ExpectedTarget, Given, TestCase } from './test-case.ts';

/**
 * One thing that is not as a case says. Items are counted from 1; `line` is where the expected one stands. With a `target` they are what it got.
 */
export type Difference =
  | {
      readonly kind: 'field';
      readonly target?: string;
      readonly item: number;
      readonly line: number;
      readonly field: string;
      readonly expected: Json;
      readonly got: Json | undefined;
    }
  | {
      readonly kind: 'missing';
      readonly target?: string;
      readonly item: number;
      readonly line: number;
      readonly expected: JsonObject;
    }
  | { readonly kind: 'unexpected'; readonly target?: string; readonly got: JsonObject }
  /** Its publisher cannot work at all. */
  | { readonly kind: 'failed'; readonly target: string; readonly message: string }
  | {
      readonly kind: 'dropped' | 'dead_letters';
      readonly reason: string;
      readonly expected: number;
      readonly got: number;
      /** What the first dead letter says. */
      readonly message?: string;
    };

export interface TestWorld {
  readonly cluster: string;
  readonly sink: SinkConfig;
  readonly converter: Converter;
  readonly publisherOf: (kind: string) => Promise<PublisherKind<unknown>>;
}

/** Runs one case through the product's own code, in virtual time. Empty: it passes. */
export async function runCase(world: TestWorld, test: TestCase): Promise<readonly Difference[]> {
  const out: Item[] = [];
  const start = test.clock ?? latestTime(world.converter, test.given) ?? defaultStart;
  const replay = new Replay(world.cluster, [world.sink], world.converter, start, ({ items }) => {
    out.push(...items);
  });
  let passed = 0;
  for (const [place, given] of test.given.entries()) {
    apply(replay, given, { place, now: start + passed });
    if (given.kind === 'pass') passed += given.ms;
  }
  const got = out.map((item) => parseJson(toItemLine(item)) as JsonObject);
  const deadLetters = new Map(replay.deadLetters);
  const ofTargets: Difference[] = [];
  for (const expected of test.published)
    ofTargets.push(...(await publishTo(world, test, expected, out, start + passed, deadLetters)));
  const letterCounts = Object.fromEntries([...deadLetters].map(([reason, { count }]) => [reason, count]));
  return [
    ...compareLists(test.expect, got, test),
    ...ofTargets,
    ...(test.dropped === null ? [] : compareCounts('dropped', test.dropped, Object.fromEntries(replay.dropped))),
    ...compareCounts('dead_letters', test.deadLetters, letterCounts, (reason) => deadLetters.get(reason)?.first),
  ];
}

const defaultStart = Date.UTC(2024, 0, 1);

function apply(replay: Replay, given: Given, filling: Filling): void {
  const id = `given-${filling.place}`;
  if (given.kind === 'pass') replay.pass(given.ms);
  else if (given.kind === 'bytes') replay.applyRaw(given.bytes);
  else if (given.kind === 'notification') replay.applyRaw(givenNotification(given.fields, filling));
  else if (given.kind === 'sample') replay.applyItems(id, [givenSample(given.fields, filling)], []);
  else replay.applyItems(id, [], [givenEvent(given.fields, filling)]);
}

/** The clock at the start at which nothing that says its own time is from the future; undefined when nothing says one. */
function latestTime(converter: Converter, all: readonly Given[]): number | undefined {
  let latest = Number.NEGATIVE_INFINITY;
  let passed = 0;
  for (const given of all) {
    if (given.kind === 'pass') passed += given.ms;
    // What says no time gets one that never is the latest.
    for (const item of itemsOf(converter, given, { place: 0, now: 0 })) {
      const at = parseEventTime(itemTime(item)) - passed;
      if (at > latest) latest = at;
    }
  }
  return latest > 0 ? latest : undefined;
}

function itemsOf(converter: Converter, given: Given, filling: Filling): readonly Item[] {
  if (given.kind === 'pass') return [];
  if (given.kind === 'sample') return [givenSample(given.fields, filling)];
  if (given.kind === 'event') return [givenEvent(given.fields, filling)];
  try {
    const bytes = given.kind === 'bytes' ? given.bytes : givenNotification(given.fields, filling);
    const { samples, events } = converter.convert(decodeNotification(bytes));
    return [...samples, ...events];
  } catch {
    return []; // it is told when it is applied
  }
}

/** What the target would never take goes to the dead letters. */
async function publishTo(
  { sink, publisherOf }: TestWorld,
  test: TestCase,
  { target: name, expect, answers }: ExpectedTarget,
  items: readonly Item[],
  at: number,
  deadLetters: LetterCounts,
): Promise<readonly Difference[]> {
  const target = sink.publish.find((each) => each.name === name);
  if (target === undefined) throw new Error(`the sink has no target ${name}`);
  const outcome = await deliverToMock(await publisherOf(target.kind), sink, target, items, answers, at, deadLetters);
  const failed: readonly Difference[] =
    outcome.failure === null ? [] : [{ kind: 'failed', target: name, message: outcome.failure }];
  const how = { unordered: false, within: test.within, target: name };
  return [...failed, ...compareLists(expect, outcome.got.map(toWritten), how)];
}

interface Comparison {
  readonly unordered: boolean;
  readonly within: number | null;
  readonly target?: string;
}

function compareLists(expect: readonly Expected[], all: readonly JsonObject[], how: Comparison): readonly Difference[] {
  const pair = how.unordered ? pairUnordered : pairInOrder;
  const place = how.target === undefined ? {} : { target: how.target };
  const differing = (expected: JsonObject, got: JsonObject) => differingFields(expected, readBody(expected, got), how.within);
  const fits = (i: number, j: number) => differing(expect[i]?.fields ?? {}, all[j] ?? {}).length === 0;
  return pair(expect.length, all.length, fits).flatMap(({ expected: i, got: j }): readonly Difference[] => {
    const got = j === null ? undefined : all[j];
    const wanted = i === null ? undefined : expect[i];
    if (i === null || wanted === undefined) return got === undefined ? [] : [{ kind: 'unexpected', ...place, got }];
    const at = { ...place, item: i + 1, line: wanted.line };
    if (got === undefined) return [{ kind: 'missing', ...at, expected: wanted.fields }];
    return differing(wanted.fields, got).map(({ path, ...values }) => ({ kind: 'field', ...at, field: path, ...values }));
  });
}

function compareCounts(
  kind: 'dropped' | 'dead_letters',
  expected: Counts,
  got: Counts,
  messageOf: (reason: string) => string | undefined = () => undefined,
): readonly Difference[] {
  return [...new Set([...Object.keys(expected), ...Object.keys(got)])].flatMap((reason) => {
    const [wanted, found] = [expected[reason] ?? 0, got[reason] ?? 0];
    const message = messageOf(reason);
    if (wanted === found) return [];
    return [{ kind, reason, expected: wanted, got: found, ...(message === undefined ? {} : { message }) }];
  });
}
