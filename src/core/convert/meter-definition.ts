import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { isTruthy } from '../python/compare.ts';
import { PythonError } from '../python/python-error.ts';
import { compilePattern, type Pattern } from '../python/regex/pattern.ts';
import { pyStr } from '../python/text.ts';
import { canonicalJson } from './canonical.ts';
import { brokenDefinition, excerpt, quoted, skippedDefinition } from './definition-error.ts';
import { type NotificationDocument, sampleTime } from './document.ts';
import { type SampleDraft, sampleType } from './draft.ts';
import { compileField, type Field } from './field.ts';
import { type ReservedMetadata, reservedUserMetadata } from './user-metadata.ts';

const attributes = ['name', 'type', 'volume', 'unit', 'timestamp', 'user_id', 'project_id', 'resource_id'] as const;
type Attribute = (typeof attributes)[number];
const required = ['name', 'type', 'event_type', 'unit', 'volume', 'resource_id'];
const types: readonly Json[] = ['gauge', 'delta', 'cumulative'];

/** Ceilometer's fallbacks. `|` binds tighter than `.`, so these read `ctxt.(user_id|ctxt).user` and never match; see the research. */
const fallbackUser = compileField('user_id', 'ctxt.user_id|ctxt.user');
const fallbackProject = compileField('project_id', 'ctxt.project_id|ctxt.tenant_id');

export interface MeterDefinition {
  readonly matches: (eventType: string) => boolean;
  /** Throws a PythonError where Ceilometer raises (and requeues). */
  readonly build: (document: NotificationDocument) => readonly SampleDraft[];
}

/** Metadata that several definitions have in common is built once per notification, in the slot of this plan. */
interface MetadataPlan {
  readonly slot: number;
  readonly build: (root: Json) => JsonObject;
}
export type MetadataPlans = Map<string, MetadataPlan>;

/** Throws a DefinitionError; its order of checks is Ceilometer's, since the first one decides what else is lost. */
export function compileMeter(definition: Json, reserved: ReservedMetadata, plans: MetadataPlans): MeterDefinition {
  if (!isObject(definition)) throw brokenDefinition('a meter is not an object');
  const get = (name: string): Json => (Object.hasOwn(definition, name) ? (definition[name] as Json) : null);
  const missing = required.filter((name) => !isTruthy(get(name)));
  if (missing.length > 0)
    throw skippedDefinition(`${missing.join(', ')}: required${missing.includes('volume') ? ' (0 counts as missing)' : ''}`);
  const patterns = compileEventTypes(get('event_type'));
  const lookup = Object.hasOwn(definition, 'lookup') ? get('lookup') : [];
  if (!holdsType(lookup) && !types.includes(get('type')))
    throw skippedDefinition(`type: ${excerpt(pyStr(get('type')))} is none of ${types.join(', ')}`);
  const fields = new Map<Attribute, Field>();
  for (const name of attributes) if (isTruthy(get(name))) fields.set(name, compileField(name, get(name)));
  const plan = metadataPlan(definition, reserved, plans);
  const base = { name: get('name'), type: get('type'), unit: get('unit') };
  const finders = toFinders(fields);
  const looked = typeof lookup === 'string' ? [lookup] : lookup;
  const lookupNames = isTruthy(looked) ? (looked as Json) : undefined;
  return {
    matches: (eventType) => patterns.some((pattern) => pattern.matches(eventType)),
    build:
      lookupNames === undefined
        ? (document) => [buildOne(document, base, finders, plan)]
        : (document) => buildSeveral(document, base, fields, plan, lookupNames),
  };
}

function compileEventTypes(eventType: Json): Pattern[] {
  const sources = typeof eventType === 'string' ? [eventType] : isObject(eventType) ? Object.keys(eventType) : eventType;
  if (!Array.isArray(sources)) throw brokenDefinition('event_type: expected a regular expression or a list of them');
  return (sources as readonly Json[]).map((source) => {
    if (typeof source !== 'string') throw brokenDefinition(`event_type: ${excerpt(pyStr(source))} is no regular expression`);
    try {
      return compilePattern(source);
    } catch (cause) {
      throw brokenDefinition(`event_type: ${quoted(source)}: ${(cause as Error).message}`, cause);
    }
  });
}

/** Python's `'type' in lookup`, which for a text is a search. */
function holdsType(lookup: Json): boolean {
  if (typeof lookup === 'string') return lookup.includes('type');
  if (Array.isArray(lookup)) return lookup.includes('type');
  if (isObject(lookup)) return Object.hasOwn(lookup, 'type');
  throw brokenDefinition('lookup: expected a name or a list of names');
}

function metadataPlan(definition: JsonObject, reserved: ReservedMetadata, plans: MetadataPlans): MetadataPlan {
  const entries = Object.hasOwn(definition, 'metadata') ? (definition['metadata'] as Json) : {};
  const tags = Object.hasOwn(definition, 'user_metadata') ? (definition['user_metadata'] as Json) : null;
  if (!isObject(entries) && !(Array.isArray(entries) && entries.length === 0) && entries !== '')
    throw brokenDefinition('metadata: expected an object of names and paths');
  const key = canonicalJson([entries, tags]);
  const known = plans.get(key);
  if (known !== undefined) return known;
  const names = isObject(entries) ? Object.keys(entries) : [];
  const fields = names.map((name) => [name, compileField(`metadata.${name}`, (entries as JsonObject)[name] as Json)] as const);
  const userField = isTruthy(tags) ? compileField('user_metadata', tags) : undefined;
  const plan: MetadataPlan = { slot: plans.size, build: (root) => buildMetadata(root, fields, userField, reserved) };
  plans.set(key, plan);
  return plan;
}

function buildMetadata(
  root: Json,
  fields: readonly (readonly [string, Field])[],
  userField: Field | undefined,
  reserved: ReservedMetadata,
): JsonObject {
  const metadata: { [name: string]: Json } = {};
  for (const [name, field] of fields) {
    const value = field.one(root);
    if (!isTruthy(value)) continue;
    if (name === '__proto__')
      Object.defineProperty(metadata, name, { value, enumerable: true, configurable: true, writable: true });
    else metadata[name] = value;
  }
  const tags = userField?.one(root) ?? null;
  if (!isTruthy(tags)) return metadata;
  const kept = reservedUserMetadata(tags, metadata, reserved);
  if (Object.keys(kept).length > 0) metadata['user_metadata'] = kept;
  return metadata;
}

interface Base {
  readonly name: Json;
  readonly type: Json;
  readonly unit: Json;
}

type Find = (root: Json) => Json;
type Finders = { readonly [name in Attribute]: Find };
const findsNothing: Find = () => null;

function toFinders(fields: ReadonlyMap<Attribute, Field>): Finders {
  return Object.fromEntries(attributes.map((name) => [name, fields.get(name)?.one ?? findsNothing])) as Finders;
}

function buildOne(document: NotificationDocument, base: Base, find: Finders, plan: MetadataPlan): SampleDraft {
  const { root } = document;
  const metadata = document.metadata(plan);
  return finish(document, metadata, {
    name: find.name(root) ?? base.name,
    type: find.type(root) ?? base.type,
    volume: find.volume(root),
    unit: find.unit(root) ?? base.unit,
    timestamp: find.timestamp(root),
    user_id: find.user_id(root) ?? document.once('user_id', fallbackUser.one),
    project_id: find.project_id(root) ?? document.once('project_id', fallbackProject.one),
    resource_id: find.resource_id(root),
  });
}

/** Every attribute a list; the length of `name` decides, and any other length than that or (not looked up) one yields nothing. */
function buildSeveral(
  document: NotificationDocument,
  base: Base,
  fields: ReadonlyMap<Attribute, Field>,
  plan: MetadataPlan,
  lookup: Json,
): SampleDraft[] {
  if (!Array.isArray(lookup)) throw new PythonError('TypeError', 'lookup is not a list');
  const { root } = document;
  const metadata = document.metadata(plan);
  const lists: { [name in Attribute]: readonly Json[] } = {
    name: [base.name],
    type: [base.type],
    volume: [null],
    unit: [base.unit],
    timestamp: [null],
    user_id: [fallbackUser.one(root)],
    project_id: [fallbackProject.one(root)],
    resource_id: [null],
  };
  for (const name of attributes) {
    const values = fields.get(name)?.all(root);
    if (values !== undefined && (values.length > 0 || name === 'name' || lookup.includes(name))) lists[name] = values;
  }
  const count = lists.name.length;
  const cycled = (name: string, length: number) => length === count || (length === 1 && !lookup.includes(name));
  if (!attributes.every((name) => cycled(name, lists[name].length))) return [];
  if (!cycled('message', 1) || !cycled('metadata', 1)) return [];
  return Array.from({ length: count }, (_, i) => {
    const at = (name: Attribute): Json => (lists[name].length === 1 ? lists[name][0] : lists[name][i]) as Json;
    const entries = attributes.map((name) => [name, at(name)]);
    return finish(document, metadata, Object.fromEntries(entries) as { [name in Attribute]: Json });
  });
}

function finish(
  document: NotificationDocument,
  metadata: JsonObject,
  found: { readonly [name in Attribute]: Json },
): SampleDraft {
  return {
    name: found.name,
    type: sampleType(found.type),
    unit: found.unit,
    volume: found.volume,
    user_id: found.user_id,
    user_name: null,
    project_id: found.project_id,
    project_name: null,
    resource_id: found.resource_id,
    timestamp: isTruthy(found.timestamp) ? sampleTime(found.timestamp) : document.sampleTime,
    resource_metadata: isTruthy(metadata) ? metadata : document.payloadMetadata,
    source: null,
    id: null,
  };
}
