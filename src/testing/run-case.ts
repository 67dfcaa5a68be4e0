import type { SinkConfig } from '../config/sink-config.ts';
import type { Converter } from '../core/convert/converter.ts';
import { decodeNotification } from '../core/convert/envelope.ts';
import { toItemLine } from '../core/convert/wire.ts';
import { parseEventTime } from '../core/transformers/event-time.ts';
import { type Item, itemTime } from '../model/item.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { parseJson } from '../model/json-text.ts';
import { Replay } from '../pipeline/replay.ts';
import { differingFields } from './compare-items.ts';
import { type Filling, givenEvent, givenNotification, givenSample } from './given-items.ts';
import { type Pair, pairInOrder, pairUnordered } from './pair-items.ts';
import type { Counts, Given, TestCase } from './test-case.ts';

/** One thing that is not as a case says. Items are counted from 1; `line` is where the expected one stands. */
export type Difference =
  | {
      readonly kind: 'field';
      readonly item: number;
      readonly line: number;
      readonly field: string;
      readonly expected: Json;
      readonly got: Json | undefined;
    }
  | { readonly kind: 'missing'; readonly item: number; readonly line: number; readonly expected: JsonObject }
  | { readonly kind: 'unexpected'; readonly got: JsonObject }
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
}

/** Runs one case through the product's own code, in virtual time. Empty: it passes. */
export function runCase(world: TestWorld, test: TestCase): readonly Difference[] {
  const got: JsonObject[] = [];
  const start = test.clock ?? latestTime(world.converter, test.given) ?? defaultStart;
  const replay = new Replay(world.cluster, [world.sink], world.converter, start, ({ items }) => {
    for (const item of items) got.push(parseJson(toItemLine(item)) as JsonObject);
  });
  let passed = 0;
  for (const [place, given] of test.given.entries()) {
    apply(replay, given, { place, now: start + passed });
    if (given.kind === 'pass') passed += given.ms;
  }
  const { deadLetters } = replay;
  const letterCounts = Object.fromEntries([...deadLetters].map(([reason, { count }]) => [reason, count]));
  return [
    ...compareItems(test, got),
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

function compareItems(test: TestCase, got: readonly JsonObject[]): readonly Difference[] {
  const fits = (i: number, j: number) => differingFields(fieldsAt(test, i), got[j] ?? {}, test.within).length === 0;
  const pair = test.unordered ? pairUnordered : pairInOrder;
  return pair(test.expect.length, got.length, fits).flatMap((each) => compareItem(test, got, each));
}

function compareItem(test: TestCase, got: readonly JsonObject[], { expected: i, got: j }: Pair): readonly Difference[] {
  const found = j === null ? undefined : got[j];
  const line = i === null ? 0 : (test.expect[i]?.line ?? 0);
  if (i === null) return found === undefined ? [] : [{ kind: 'unexpected', got: found }];
  const expected = fieldsAt(test, i);
  if (found === undefined) return [{ kind: 'missing', item: i + 1, line, expected }];
  return differingFields(expected, found, test.within).map(({ path, ...values }) => ({
    kind: 'field',
    item: i + 1,
    line,
    field: path,
    ...values,
  }));
}

function fieldsAt(test: TestCase, i: number): JsonObject {
  return test.expect[i]?.fields ?? {};
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
