import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { brokenDefinition } from '../convert/definition-error.ts';
import { compileField, type Field } from '../convert/field.ts';
import { compileGlob, type Glob } from '../python/glob.ts';
import { PythonError } from '../python/python-error.ts';

// The file `gnocchi_resources.yaml`: which resource type of Gnocchi a meter belongs to, with which archive policy, which attributes come of a
// sample or an event, and which events begin and end a resource.

export type EventOperation = 'create' | 'update' | 'delete';

export interface ResourceDefinition {
  readonly type: string;
  /** What the paths of its attributes find in a sample; one that Python would fail on finds nothing. */
  readonly attributes: (sample: Json) => JsonObject;
  /** `[attribute, trait]` */
  readonly eventAttributes: readonly (readonly [name: string, trait: string])[];
  readonly operation: (eventType: string) => EventOperation | null;
  /** Resource types that end with this one, each with a search whose `%s` is its id. */
  readonly associated: readonly (readonly [type: string, query: string])[];
}

export interface Metric {
  readonly definition: ResourceDefinition;
  readonly policy: string;
}

export interface ResourceDefinitions {
  readonly resources: readonly ResourceDefinition[];
  readonly archivePolicies: readonly JsonObject[];
  readonly metric: (name: string) => Metric;
}

export interface ResourceOptions {
  /** For every metric, whatever the file says. */
  readonly archivePolicy: string | null;
}

/** Gnocchi's own type, which is always there. */
const generic: ResourceDefinition = {
  type: 'generic',
  attributes: () => ({}),
  eventAttributes: [],
  operation: () => null,
  associated: [],
};

const derived = [/\.rate$/, /\.delta$/, /_util$/];

/**
 * Throws a DefinitionError that names what is wrong. A meter that the file does not name belongs to the type of the meter it was computed
 * from (`cpu_util` to that of `cpu`, `disk.device.read.bytes.rate` to that of `disk.device.read.bytes`): the names that Ceilometer's
 * transformers gave, which its file has forgotten since. Any other is of the type `generic`; Ceilometer drops it.
 */
export function compileResources(file: Json, { archivePolicy }: ResourceOptions): ResourceDefinitions {
  if (!isObject(file)) throw brokenDefinition('expected a mapping with `resources`');
  const standard = text(file['archive_policy_default']) ?? 'ceilometer-low';
  const metrics = new Map<string, Metric>();
  const resources: ResourceDefinition[] = [];
  for (const [i, resource] of list(file['resources'], 'resources').entries()) {
    const what = `resources[${i}]`;
    if (!isObject(resource)) throw brokenDefinition(`${what}: expected a mapping`);
    const definition = compileResource(resource, what);
    resources.push(definition);
    for (const [name, extra] of metricsOf(resource, what)) {
      const own = isObject(extra) ? text(extra['archive_policy_name']) : null;
      metrics.set(name, { definition, policy: text(resource['archive_policy']) ?? archivePolicy ?? own ?? standard });
    }
  }
  return {
    resources,
    archivePolicies: list(file['archive_policies'], 'archive_policies').filter(isObject),
    metric: (name) => {
      const known = metrics.get(name);
      if (known !== undefined) return known;
      const suffix = derived.find((each) => each.test(name));
      const source = suffix === undefined ? undefined : metrics.get(name.replace(suffix, ''));
      return { definition: source?.definition ?? generic, policy: archivePolicy ?? standard };
    },
  };
}

function compileResource(resource: JsonObject, what: string): ResourceDefinition {
  const type = text(resource['resource_type']);
  if (type === null) throw brokenDefinition(`${what}: resource_type is required`);
  const globs = (key: string): readonly Glob[] => {
    const given = Object.hasOwn(resource, key) ? (resource[key] as Json) : [];
    return (Array.isArray(given) ? given : [given]).map((each) => compileGlob(String(each)));
  };
  // In Ceilometer's order: what creates is asked first, then what deletes.
  const operations = [
    ['create', globs('event_create')],
    ['delete', globs('event_delete')],
    ['update', globs('event_update')],
  ] as const;
  const fields = members(resource['attributes']).map(
    ([name, field]) => [name, compileField(`${what}.attributes.${name}`, field)] as const,
  );
  return {
    type,
    attributes: (sample) =>
      Object.fromEntries(
        fields.flatMap(([name, field]) => {
          const value = find(field, sample);
          return value === null ? [] : [[name, value]];
        }),
      ),
    eventAttributes: members(resource['event_attributes']).map(([name, trait]) => [name, String(trait)]),
    operation: (eventType) => operations.find(([, those]) => those.some((glob) => glob(eventType)))?.[0] ?? null,
    associated: members(resource['event_associated_resources']).map(([name, query]) => [name, String(query)]),
  };
}

function find(field: Field, sample: Json): Json {
  try {
    return field.one(sample);
  } catch (error) {
    if (error instanceof PythonError) return null;
    throw error;
  }
}

function metricsOf(resource: JsonObject, what: string): readonly (readonly [name: string, extra: Json])[] {
  const { metrics } = resource;
  if (Array.isArray(metrics)) return (metrics as readonly Json[]).map((name) => [String(name), null]);
  if (!isObject(metrics)) throw brokenDefinition(`${what}: metrics are required`);
  return Object.entries(metrics);
}

function members(value: Json | undefined): readonly (readonly [string, Json])[] {
  return isObject(value) ? Object.entries(value) : [];
}

function list(value: Json | undefined, what: string): readonly Json[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw brokenDefinition(`${what}: expected a list`);
  return value as readonly Json[];
}

function text(value: Json | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
