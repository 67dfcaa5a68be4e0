import { type Event, type Trait, type TraitType, traitTypes } from '../../model/event.ts';
import { Fault } from '../../model/faults.ts';
import { type Item, isEvent } from '../../model/item.ts';
import { isNumeric, isObject, type Json, type JsonObject, type Numeric } from '../../model/json.ts';
import { parseJson, printJson, quoteJson } from '../../model/json-text.ts';
import { type Sample, type SampleType, sampleTypes } from '../../model/sample.ts';
import { namedText, type Sign, traitsText } from './signature.ts';

// Ceilometer's wire models as text, at half the price of `JSON.stringify` for each: what the samples of a notification have in common is
// printed once, and signed once (the two memos below; pure, since items never change), and so is what comes from definitions.

/** What is printed of names that definitions give: some hundreds, unless somebody sends names of his own. */
class Printed<T extends string | number> {
  readonly #texts = new Map<string, { readonly kind: T; readonly text: string }>();
  readonly #print: (name: string, kind: T) => readonly string[];

  constructor(print: (name: string, kind: T) => readonly string[]) {
    this.#print = print;
  }

  of(name: string, kind: T): string {
    const known = this.#texts.get(name);
    if (known?.kind === kind) return known.text;
    // Joined, not added up: every use of a text in pieces walks through them.
    const text = this.#print(name, kind).join('');
    if (this.#texts.size < mostNames && name.length < longestName) this.#texts.set(name, { kind, text });
    return text;
  }
}
const mostNames = 1024;
const longestName = 64;

const value = (json: Json): string => (typeof json === 'string' ? quoteJson(json) : printJson(json));

let told: Sample | undefined;
let toldText = '';

/**
 * From `user_id` to `resource_metadata`: who, about what, when. The samples of a notification mostly say the same there, so it is printed once, and
 * at once, as a flat text: each of its samples would walk through the pieces again. What an operator's own transformer leaves out is null, as
 * whoever reads the line takes it.
 */
function contextText(sample: Sample): string {
  if (told === undefined || !saysTheSame(told, sample)) {
    const { user_id, user_name, project_id, project_name, resource_id, timestamp, resource_metadata } = sample;
    toldText = printJson({
      user_id: user_id ?? null,
      user_name: user_name ?? null,
      project_id: project_id ?? null,
      project_name: project_name ?? null,
      resource_id: resource_id ?? null,
      timestamp,
      resource_metadata,
    }).slice(1, -1);
    told = sample;
  }
  return toldText;
}

function saysTheSame(a: Sample, b: Sample): boolean {
  return (
    a.resource_metadata === b.resource_metadata &&
    a.resource_id === b.resource_id &&
    a.timestamp === b.timestamp &&
    a.user_id === b.user_id &&
    a.user_name === b.user_name &&
    a.project_id === b.project_id &&
    a.project_name === b.project_name &&
    a.source === b.source
  );
}

const sampleHeads = new Printed((name, type: SampleType) => ['{"name":', value(name), `,"type":"${type}","unit":`]);
const meterHeads = new Printed((name, type: SampleType) => [
  '"counter_name":',
  value(name),
  `,"counter_type":"${type}","counter_unit":`,
]);

/** The JSON line of a sample (`Sample.as_dict`), without newline. Throws poison `bad_number` for a volume that is not finite. */
export function toSampleLine(sample: Sample): string {
  return `${sampleHeads.of(sample.name, sample.type)}${value(sample.unit)},"volume":${value(sample.volume)},${contextText(sample)},"source":${value(sample.source)},"id":${value(sample.id)},"monotonic_time":${value(sample.monotonic_time)}}`;
}

/** The JSON line of an event (`Event.serialize`), without newline. */
export function toEventLine(event: Event): string {
  return `{${eventFields(event)}}`;
}

function eventFields({ message_id, event_type, generated, traits, raw }: Event): string {
  return `"message_id":${value(message_id)},"event_type":${value(event_type)},"generated":${value(generated)},"traits":[${traitsJson(traits ?? [])}],"raw":${printJson(raw ?? {})}`;
}

/** With the end of the trait before. */
const traitHeads = new Printed((name, type: TraitType) => ['],[', quoteJson(name), `,${type},`]);

function traitsJson(traits: readonly Trait[]): string {
  let text = '';
  for (const [name, type, held] of traits) text += traitHeads.of(name, type) + value(held);
  return text === '' ? '' : `${text.slice(2)}]`;
}

export function toItemLine(item: Item): string {
  return isEvent(item) ? toEventLine(item) : toSampleLine(item);
}

/** JSON Lines, one per item, each with its newline. */
export function itemLines(items: readonly Item[]): string {
  // Joined, not added up: flattening a rope of a thousand lines costs half as much as making them.
  const lines = items.map(toItemLine);
  lines.push('');
  return lines.join('\n');
}

/** The signed metering message (notifier, udp; tcp adds its `publisherId`) as a JSON text. */
export function toMeteringMessage(sample: Sample, sign: Sign, publisherId?: string): string {
  const host = publisherId === undefined ? '' : `,"publisher_id":${quoteJson(publisherId)}`;
  return `{"source":${value(sample.source)},${meterHeads.of(sample.name, sample.type)}${value(sample.unit)},"counter_volume":${value(sample.volume)},${contextText(sample)},"message_id":${value(sample.id)},"monotonic_time":${value(sample.monotonic_time)}${host},"message_signature":"${sign.empty === true ? '' : sign(meteringSignatureText(sample, publisherId))}"}`;
}

/** `signatureText` of the metering message, its names in their known order. */
function meteringSignatureText(sample: Sample, publisherId: string | undefined): string {
  return (
    namedText('counter_name', sample.name) +
    namedText('counter_type', sample.type) +
    namedText('counter_unit', sample.unit) +
    namedText('counter_volume', sample.volume) +
    namedText('message_id', sample.id) +
    namedText('monotonic_time', sample.monotonic_time) +
    signedContext(sample, publisherId)
  );
}

let signed: Sample | undefined;
let signedBy: string | undefined;
let signedText = '';

/** From `project_id` on, which the samples of a notification mostly have in common. */
function signedContext(sample: Sample, publisherId: string | undefined): string {
  if (signed === undefined || signedBy !== publisherId || !saysTheSame(signed, sample)) {
    signedText =
      namedText('project_id', sample.project_id) +
      namedText('project_name', sample.project_name) +
      (publisherId === undefined ? '' : namedText('publisher_id', publisherId)) +
      namedText('resource_id', sample.resource_id) +
      namedText('resource_metadata', sample.resource_metadata) +
      namedText('source', sample.source) +
      namedText('timestamp', sample.timestamp) +
      namedText('user_id', sample.user_id) +
      namedText('user_name', sample.user_name);
    signed = sample;
    signedBy = publisherId;
  }
  return signedText;
}

/** The signed event message (notifier) as a JSON text. */
export function toEventMessage(event: Event, sign: Sign): string {
  return `{${eventFields(event)},"message_signature":"${sign.empty === true ? '' : sign(eventSignatureText(event))}"}`;
}

function eventSignatureText(event: Event): string {
  return (
    namedText('event_type', event.event_type) +
    namedText('generated', event.generated) +
    namedText('message_id', event.message_id) +
    namedText('raw', event.raw) +
    traitsText(event.traits)
  );
}

/** Item lines back to items; empty lines are passed over. Throws a poison Fault as `parseItemLine`. */
export function parseItemLines(text: string): Item[] {
  const items: Item[] = [];
  for (const line of text.split('\n')) if (line.trim() !== '') items.push(parseItemLine(line));
  return items;
}

/**
 * One line of any of Ceilometer's models: sample or event as above, or a metering or event message (its signature is not
 * checked). Throws a poison Fault: what `parseJson` throws, or `bad_item` naming the field.
 */
export function parseItemLine(text: string): Item {
  const line = parseJson(text);
  if (!isObject(line)) throw badItem('the line is not an object');
  if (Object.hasOwn(line, 'event_type')) return toEvent(line);
  return Object.hasOwn(line, 'counter_name') ? toSample(line, 'counter_', 'message_id') : toSample(line, '', 'id');
}

function badItem(message: string): Fault {
  return new Fault('poison', 'bad_item', message);
}

function own(line: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(line, name) ? line[name] : undefined;
}

function textField(line: JsonObject, name: string): string {
  const held = own(line, name);
  if (typeof held !== 'string') throw badItem(`${name} is ${held === undefined ? 'missing' : 'not a text'}`);
  return held;
}

/** Ceilometer passes on what a definition found, so what should be a text may be a number or null. */
function looseText(line: JsonObject, name: string): string {
  return (own(line, name) ?? null) as string;
}

function toSample(line: JsonObject, counter: string, idName: string): Sample {
  const type = textField(line, `${counter}type`);
  if (!sampleTypes.includes(type as SampleType)) throw badItem(`${counter}type is ${JSON.stringify(type)}`);
  const volume = own(line, `${counter}volume`);
  if (volume === undefined) throw badItem(`${counter}volume is missing`);
  const metadata = own(line, 'resource_metadata') ?? {};
  if (!isObject(metadata)) throw badItem('resource_metadata is not an object');
  const monotonic = own(line, 'monotonic_time') ?? null;
  if (monotonic !== null && !isNumeric(monotonic)) throw badItem('monotonic_time is not a number');
  return {
    id: textField(line, idName),
    source: looseText(line, 'source') ?? 'openstack',
    name: textField(line, `${counter}name`),
    type: type as SampleType,
    unit: looseText(line, `${counter}unit`),
    volume,
    user_id: looseText(line, 'user_id'),
    user_name: looseText(line, 'user_name'),
    project_id: looseText(line, 'project_id'),
    project_name: looseText(line, 'project_name'),
    resource_id: looseText(line, 'resource_id'),
    timestamp: textField(line, 'timestamp'),
    resource_metadata: metadata,
    monotonic_time: monotonic as Numeric | null,
  };
}

function toEvent(line: JsonObject): Event {
  const traits = own(line, 'traits') ?? [];
  const raw = own(line, 'raw') ?? {};
  if (!Array.isArray(traits)) throw badItem('traits is not a list');
  if (!isObject(raw)) throw badItem('raw is not an object');
  return {
    message_id: textField(line, 'message_id'),
    event_type: textField(line, 'event_type'),
    generated: textField(line, 'generated'),
    traits: traits.map((trait) => toTrait(trait as Json)),
    raw,
  };
}

const dtypes = new Set<unknown>(Object.values(traitTypes));

/** `[name, dtype, value]`, or the file publisher's `{name, dtype, value}`. */
function toTrait(trait: Json): Trait {
  const parts = isObject(trait) ? [own(trait, 'name'), own(trait, 'dtype'), own(trait, 'value')] : trait;
  if (!Array.isArray(parts) || parts.length !== 3) throw badItem('a trait is not [name, type, value]');
  const [name, type, held] = parts as readonly (Json | undefined)[];
  if (typeof name !== 'string' || !dtypes.has(type) || held === undefined) throw badItem('a trait is not [name, type, value]');
  return [name, type as Trait[1], held];
}
