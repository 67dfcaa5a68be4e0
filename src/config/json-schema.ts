import { z } from 'zod';
import { LaneSchema } from '../publishers/registry.ts';
import { AgentFile } from './agent-schema.ts';
import type { Registries } from './registries.ts';
import { SinkOutline, TargetName, UseEntry } from './sink-schema.ts';

/** As much of JSON Schema as zod writes and we read. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly [key: string]: unknown;
}

const draft = 'http://json-schema.org/draft-07/schema#';

/** Draft 7, where the YAML language server is at home; what an operator writes, not what it becomes. */
export function schemaOf(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
  });
  return exact(rest as JsonSchema) as JsonSchema;
}

export function pipelineJsonSchema(registries: Registries): JsonSchema {
  const outline = schemaOf(SinkOutline);
  const transforms = Object.entries(registries.transformers).map(([name, { Parameters, summary }]) =>
    entry(name, summary, schemaOf(Parameters)),
  );
  const targets = Object.entries(registries.publishers).map(([name, { schema, summary }]) =>
    entry(name, summary, withCommon(schemaOf(schema), publisherCommon())),
  );
  const use = { ...schemaOf(UseEntry), description: 'A transformer of your own.' };
  const { transform, publish, ...properties } = outline.properties ?? {};
  return {
    $schema: draft,
    title: 'A sink of ceilograph',
    ...outline,
    properties: {
      ...properties,
      transform: { ...transform, items: { anyOf: [...transforms, use, names(registries.transformers)] } },
      publish: { ...publish, items: { anyOf: [...targets, names(registries.publishers)] } },
    },
  };
}

export function agentJsonSchema(registries: Registries): JsonSchema {
  const outline = schemaOf(AgentFile);
  const kinds = Object.entries(registries.inputs).map(([name, { schema, summary }]) =>
    entry(name, summary, withCommon(schemaOf(schema), inputCommon())),
  );
  const { inputs, ...properties } = outline.properties ?? {};
  return {
    $schema: draft,
    title: 'An agent of ceilograph',
    ...outline,
    properties: { ...properties, inputs: { ...inputs, items: { anyOf: [...kinds, names(registries.inputs)] } } },
  };
}

/** What may stand in a publisher's mapping beside the parameters of its kind. */
export function publisherCommon(): JsonSchema {
  return schemaOf(LaneSchema.extend({ name: TargetName }));
}

export function inputCommon(): JsonSchema {
  return schemaOf(z.strictObject({ name: TargetName.describe('Unique within the agent. Default: its kind.') }));
}

function withCommon(own: JsonSchema, common: JsonSchema): JsonSchema {
  return { ...own, properties: { ...own.properties, ...common.properties } };
}

function entry(name: string, description: string, parameters: JsonSchema): JsonSchema {
  const optional = (parameters.required ?? []).length === 0;
  const value = optional ? { anyOf: [parameters, { type: 'null' }], description } : { ...parameters, description };
  return { type: 'object', description, properties: { [name]: value }, required: [name], additionalProperties: false };
}

function names(registry: Readonly<Record<string, unknown>>): JsonSchema {
  return { type: 'string', enum: Object.keys(registry), description: 'Without parameters.' };
}

// Some schemas take more than they say, because Ceilometer did; files of ours are refused for it, so editors should mark it.
function exact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== 'object' || value === null) return value;
  const telling = Object.entries(value).filter(
    ([key, member]) => key !== 'propertyNames' && !(key === 'maximum' && member === Number.MAX_SAFE_INTEGER),
  );
  const entries = telling.map(([key, member]): [string, unknown] => {
    if (key === 'additionalProperties' && isEmpty(member)) return [key, false];
    if (key === 'anyOf' && Array.isArray(member)) return [key, member.filter((branch) => !isEmpty(branch)).map(exact)];
    return [key, exact(member)];
  });
  const schema = Object.fromEntries(entries) as JsonSchema;
  const [only] = schema.anyOf ?? [];
  if (schema.anyOf?.length === 0) return without(schema, 'anyOf');
  return schema.anyOf?.length === 1 && only !== undefined ? { ...only, ...without(schema, 'anyOf') } : schema;
}

function without(schema: JsonSchema, key: string): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== key));
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
