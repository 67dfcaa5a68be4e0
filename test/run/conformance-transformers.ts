import { createChain } from '../../src/core/transformers/chain.ts';
import { parseEventTime } from '../../src/core/transformers/event-time.ts';
import { transformers } from '../../src/core/transformers/registry.ts';
import type { AnyTransformer } from '../../src/core/transformers/transformer.ts';
import { Float, type Json, type JsonObject } from '../../src/model/json.ts';
import { parseJson, printJson } from '../../src/model/json-text.ts';
import type { Sample } from '../../src/model/sample.ts';

// The transformer scenarios of the conformance folder through the real chain: a batch is one notification, then a flush.

export interface TransformerAnswer {
  readonly category: 'transformer';
  readonly key: string;
  readonly value: Json;
}

interface Scenario {
  readonly id: string;
  readonly transformers: readonly { readonly name: string; readonly parameters?: Json }[];
  readonly meters?: readonly string[];
  readonly batches: readonly { readonly now?: string; readonly samples: readonly JsonObject[] }[];
}

export function* transformerAnswers(text: string): Iterable<TransformerAnswer> {
  for (const scenario of parseJson(text) as unknown as readonly Scenario[])
    yield { category: 'transformer', key: scenario.id, value: answer(scenario) };
}

function answer(scenario: Scenario): Json {
  const steps = load(scenario);
  if (steps === null) return { load_error: true };
  const chain = createChain({ cluster: 'conformance', sink: scenario.id, steps });
  return scenario.batches.map((batch, i) => {
    const now = batch.now === undefined ? 0 : parseEventTime(batch.now);
    const items = batch.samples.map(sample).filter((item) => taken(item.name, scenario.meters) && hasVolume(item.volume));
    return chain
      .applyNotification(`batch ${i}`, items, { partition: 0, watermark: 0, now })
      .out.map((item) => published(item as Sample));
  });
}

function load(scenario: Scenario): { transformer: AnyTransformer; parameters: unknown }[] | null {
  const steps = [];
  for (const step of scenario.transformers) {
    const transformer = Object.hasOwn(transformers, step.name) ? transformers[step.name] : undefined;
    if (transformer === undefined || step.parameters === undefined) return null;
    const parsed = transformer.Parameters.safeParse(step.parameters || {});
    if (!parsed.success) return null;
    steps.push({ transformer, parameters: parsed.data });
  }
  return steps;
}

let made = 0;

function sample(given: JsonObject): Sample {
  made += 1;
  const defaults = { source: 'openstack', name: 'm', type: 'gauge', unit: 'B', user_id: 'u', project_id: 'p', resource_id: 'r' };
  const filled = {
    ...defaults,
    user_name: null,
    project_name: null,
    timestamp: null,
    resource_metadata: {},
    monotonic_time: null,
    ...given,
  };
  return { id: `in-${made}`, ...filled } as unknown as Sample;
}

/** Names of the scenarios are plain or end in `*`; the full matching rules have their own category. */
function taken(name: string, meters: readonly string[] = ['*']): boolean {
  return meters.some((meter) => (meter.endsWith('*') ? name.startsWith(meter.slice(0, -1)) : name === meter));
}

/** What Ceilometer's pipeline drops before any transformer: no volume, or a text that is no number. */
function hasVolume(volume: Json): boolean {
  if (typeof volume !== 'string') return volume !== null;
  return /^\s*[+-]?(?:(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|nan)\s*$/i.test(volume);
}

function published({ id: _id, user_name: _user, project_name: _project, ...rest }: Sample): JsonObject {
  return { ...(rest as unknown as JsonObject), volume: finite(rest.volume), resource_metadata: finite(rest.resource_metadata) };
}

/** The goldens spell infinities as texts. */
function finite(value: Json): Json {
  if (value instanceof Float && !Number.isFinite(value.value)) return value.value > 0 ? 'inf' : value.value < 0 ? '-inf' : 'nan';
  return value;
}

if (process.argv[1]?.endsWith('conformance-transformers.ts')) {
  const { readFileSync } = await import('node:fs');
  for (const line of transformerAnswers(readFileSync(process.argv[2] ?? 0, 'utf8')))
    process.stdout.write(`${printJson(line as unknown as Json)}\n`);
}
