import { existsSync, writeSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readDefinitions } from '../../src/config/definitions.ts';
import { canonicalJson } from '../../src/core/convert/canonical.ts';
import { type Conversion, type Converter, type ConverterOptions, createConverter } from '../../src/core/convert/converter.ts';
import { toNotification } from '../../src/core/convert/envelope.ts';
import { compileField } from '../../src/core/convert/field.ts';
import type { DefinitionFile } from '../../src/core/convert/meters.ts';
import { signatureText } from '../../src/core/convert/signature.ts';
import { PythonError } from '../../src/core/python/python-error.ts';
import { compileSourceFilter } from '../../src/core/route/source-filter.ts';
import { createSigner } from '../../src/lib/hmac.ts';
import type { Event } from '../../src/model/event.ts';
import { Fault } from '../../src/model/faults.ts';
import { Float, isObject, type Json, type JsonObject } from '../../src/model/json.ts';
import { parseJson } from '../../src/model/json-text.ts';
import { priorities } from '../../src/model/notification.ts';
import type { Sample } from '../../src/model/sample.ts';
import { withoutBanner } from './without-banner.ts';

// Answers the questions of a conformance folder: `npx tsx test/run/conformance.ts DIR [DEFS] [--own] > answers.jsonl`. DIR holds
// in-*.json and *.jsonl inputs, DEFS Ceilometer's meters.yaml and event_definitions.yaml; `--own` takes ours instead. One line
// `{category, key, value}` per answer, canonical JSON, infinities as texts, sample ids zeroed before signing.

const sign = createSigner('not-so-secret');
const zeroId = '00000000-0000-0000-0000-000000000000';
const limits = { maxDepth: 1000, maxString: Number.POSITIVE_INFINITY };

interface Answer {
  readonly category: string;
  readonly key: string;
  readonly value: unknown;
}

/** JSON cannot say infinite; the goldens spell it as a text. */
function finite(value: Json): Json {
  if (value instanceof Float)
    return Number.isFinite(value.value) ? value : `${value.value}`.replace('Infinity', 'inf').replace('NaN', 'nan');
  if (Array.isArray(value)) return value.map(finite);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, finite(inner)]));
}

function meteringMessage(sample: Sample): JsonObject {
  const message = {
    source: sample.source,
    counter_name: sample.name,
    counter_type: sample.type,
    counter_unit: sample.unit,
    counter_volume: sample.volume,
    user_id: sample.user_id,
    user_name: sample.user_name,
    project_id: sample.project_id,
    project_name: sample.project_name,
    resource_id: sample.resource_id,
    timestamp: sample.timestamp,
    resource_metadata: sample.resource_metadata,
    message_id: zeroId,
    monotonic_time: sample.monotonic_time,
  };
  return { ...message, message_signature: sign(signatureText(message)) };
}

/** Signed in the order Ceilometer gave the traits, which are sorted only for the comparison. */
function eventMessage(event: Event): JsonObject {
  const traits = [...event.traits].sort((a, b) => (canonicalJson(finite(a as Json)) < canonicalJson(finite(b as Json)) ? -1 : 1));
  const message = event as unknown as JsonObject;
  return { ...message, traits: traits as unknown as Json, message_signature: sign(signatureText(message)) };
}

function sorted(values: readonly JsonObject[]): Json[] {
  const keyed = values.map((value) => [canonicalJson(finite(value)), value] as const);
  return keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, value]) => value);
}

const nothing: Conversion = { samples: [], events: [], verdict: 'ack', problems: [], dropped: 0 };

/** A priority nobody listens to reaches no endpoint of Ceilometer; with us the message is refused while it is decoded. */
function convert(converter: Converter, message: JsonObject): Conversion {
  const word = String(message['priority']).toLowerCase();
  const known = priorities.some((priority) => priority === word);
  return known ? converter.convert(toNotification(message)) : nothing;
}

function toAnswer(conversion: Conversion): { samples: Json; events: Json; verdict: string } {
  return {
    samples: sorted(conversion.samples.map(meteringMessage)),
    events: sorted(conversion.events.map(eventMessage)),
    verdict: conversion.verdict,
  };
}

function* notificationAnswers(converter: Converter, text: string): Generator<Answer> {
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const { key, notification } = parseJson(line, limits) as { key: string; notification: JsonObject };
    const answer = toAnswer(convert(converter, notification));
    for (const category of ['samples', 'events', 'verdict'] as const) yield { category, key, value: answer[category] };
  }
}

interface DefinitionCase {
  readonly id: string;
  readonly meters?: readonly Json[];
  readonly events?: readonly Json[];
  readonly conf?: JsonObject;
  readonly notification: JsonObject;
}

function optionsOf(conf: JsonObject): ConverterOptions {
  const options: { [name: string]: Json } = {};
  for (const [name, value] of Object.entries(conf)) options[confNames[name] ?? unknownOption(name)] = value;
  return { compat: true, ...options } as ConverterOptions;
}

const confNames: { readonly [name: string]: string | undefined } = {
  'event.store_raw': 'storeRaw',
  'event.drop_unmatched_notifications': 'dropUnmatched',
  'notification.ack_on_event_error': 'ackOnEventError',
  'DEFAULT.reserved_metadata_namespace': 'reservedMetadataNamespace',
  'DEFAULT.reserved_metadata_length': 'reservedMetadataLength',
  'DEFAULT.reserved_metadata_keys': 'reservedMetadataKeys',
  'DEFAULT.sample_source': 'sampleSource',
  reserved_metadata_namespace: 'reservedMetadataNamespace',
  reserved_metadata_length: 'reservedMetadataLength',
  reserved_metadata_keys: 'reservedMetadataKeys',
  sample_source: 'sampleSource',
};

function unknownOption(name: string): never {
  throw new Error(`unknown option ${name}`);
}

function definitionAnswer({ id, meters = [], events = [], conf = {}, notification }: DefinitionCase): Answer {
  const files = (definitions: readonly Json[]): DefinitionFile[] => [{ file: id, definitions }];
  try {
    const converter = createConverter({ meters: files(meters), events: files(events), options: optionsOf(conf) });
    return { category: 'definition', key: id, value: toAnswer(convert(converter, notification)) };
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'bad_definition') throw error;
    return { category: 'definition', key: id, value: { load_error: true } };
  }
}

function jsonPathAnswer({ id, path, doc }: { id: string; path: Json; doc: Json }): Answer {
  const answer = (value: Json): Answer => ({ category: 'jsonpath', key: id, value });
  let field: ReturnType<typeof compileField>;
  try {
    field = compileField('path', path);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return answer({ load_error: true });
  }
  try {
    return answer({ first: field.one(doc), all: field.all(doc) });
  } catch (error) {
    if (!(error instanceof PythonError)) throw error;
    return answer({ runtime_error: true });
  }
}

function sourceAnswer({ id, patterns, names }: { id: string; patterns: Json; names: readonly string[] }): Answer {
  try {
    // Ceilometer iterates what it is given: a text is its characters.
    const list = typeof patterns === 'string' ? [...patterns] : ((patterns ?? []) as string[]);
    const passes = compileSourceFilter(list);
    return { category: 'source', key: id, value: Object.fromEntries(names.map((name) => [name, passes(name)])) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { category: 'source', key: id, value: { load_error: true } };
  }
}

async function* transformerAnswers(text: string): AsyncGenerator<Answer> {
  const driver = new URL('./conformance-transformers.ts', import.meta.url);
  if (!existsSync(driver)) return;
  const module = (await import(driver.href)) as { transformerAnswers: (text: string) => Iterable<Answer> };
  yield* module.transformerAnswers(text);
}

async function loadConverter(definitions: string | undefined, own: boolean): Promise<Converter> {
  const root = new URL('../../pipelines/definitions/', import.meta.url).pathname;
  const meters = own ? join(root, 'meters') : join(definitions ?? '', 'meters.yaml');
  const events = own ? join(root, 'events') : join(definitions ?? '', 'event_definitions.yaml');
  const read = await readDefinitions({ meters: [meters], events: [events] }, own ? 'yaml-1.2' : 'pyyaml');
  return createConverter({ ...read, options: { compat: true } });
}

async function* answers(folder: string, definitions: string | undefined, own: boolean): AsyncGenerator<Answer> {
  const converter = own || definitions !== undefined ? await loadConverter(definitions, own) : undefined;
  for (const name of (await readdir(folder)).sort()) {
    if (name.includes('golden')) continue;
    const text = await readFile(join(folder, name), 'utf8');
    if (name.endsWith('.jsonl')) {
      if (converter !== undefined) yield* notificationAnswers(converter, text);
      else console.error(`${name}: left out, no definitions given`);
      continue;
    }
    if (!name.endsWith('.json')) continue;
    const cases = parseJson(text, limits);
    if (!Array.isArray(cases)) continue;
    if (cases.some((item) => isObject(item) && Object.hasOwn(item, 'transformers'))) yield* transformerAnswers(text);
    for (const item of cases as unknown as ({ kind: string } & DefinitionCase &
      Parameters<typeof jsonPathAnswer>[0] &
      Parameters<typeof sourceAnswer>[0])[]) {
      if (item.kind === 'definition') yield definitionAnswer(item);
      else if (item.kind === 'jsonpath') yield jsonPathAnswer(item);
      else if (item.kind === 'source') yield sourceAnswer(item);
    }
  }
}

const [folder, ...rest] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: conformance DIR [DEFS] [--own] > answers.jsonl');
  process.exitCode = 2;
} else {
  const own = rest.includes('--own');
  let out = '';
  for await (const answer of answers(
    folder,
    rest.find((word) => !word.startsWith('--')),
    own,
  ))
    out += `${canonicalJson(finite(answer as unknown as Json))}\n`;
  const from = withoutBanner();
  if (from === null) process.stdout.write(out);
  else writeSync(1, Buffer.from(out), 0, undefined, from);
}
