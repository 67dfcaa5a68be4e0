import { Fault } from '../../model/faults.ts';
import type { Item } from '../../model/item.ts';
import type { Json } from '../../model/json.ts';
import { partitionOf } from '../../model/stable-hash.ts';
import { type PlacedStep, placedSteps } from '../transformers/chain.ts';
import { splitParts } from '../transformers/key-text.ts';
import { parseState, printState } from '../transformers/state-text.ts';
import type { KeyedTransformer, PlacedRow, Relocation, TableTransformer } from '../transformers/transformer.ts';
import { compileAttribute, toText } from './grouping-key.ts';
import { type RelocateOptions, reachable, type StoredPartition } from './stored-partition.ts';

type Row = readonly [key: string, value: string];

interface Places {
  readonly places: readonly (readonly Row[])[];
  readonly copied: number;
  readonly forgotten: number;
}

// biome-ignore lint/suspicious/noExplicitAny: parameters and state are hidden in the registry; the transformer's own schemas parsed both.
type Hidden = any;

export function relocateStates(old: readonly StoredPartition[], options: RelocateOptions, shiftMs: readonly number[]): Places {
  const places = Array.from({ length: options.partitions }, () => new Map<string, string>());
  const move = new Relocating(options, places);
  let forgotten = 0;
  const steps = new Map(
    placedSteps(options.steps, options.order).map((step) => [`${step.place}/${step.transformer.name}/`, step]),
  );
  const tables = new Map<string, (PlacedRow<unknown> & { readonly mark: number })[]>();
  old.forEach(({ states }, from) => {
    for (const [key, value] of states) {
      const border = key.indexOf('/', key.indexOf('/') + 1) + 1;
      const prefix = key.slice(0, border);
      const step = steps.get(prefix);
      if (step === undefined || step.transformer.scope === 'none') forgotten += 1;
      else if (step.transformer.scope === 'key') move.keyed(step, prefix, key.slice(border), value, from, shiftMs[from] ?? 0);
      else {
        const [mark, state] = read(step.transformer, value);
        const rows = tables.get(prefix) ?? [];
        rows.push({ from, key: key.slice(border), state, mark });
        tables.set(prefix, rows);
      }
    }
  });
  for (const [prefix, rows] of tables) {
    rows.sort((a, b) => a.from - b.from || a.mark - b.mark);
    move.table(steps.get(prefix) as PlacedStep, prefix, rows);
  }
  return { places: places.map((rows) => [...rows]), copied: move.copied, forgotten };
}

class Relocating {
  readonly #options: RelocateOptions;
  readonly #places: readonly Map<string, string>[];
  copied = 0;

  constructor(options: RelocateOptions, places: readonly Map<string, string>[]) {
    this.#options = options;
    this.#places = places;
  }

  keyed({ transformer, parameters }: PlacedStep, prefix: string, key: string, text: string, from: number, ms: number): void {
    const keyed = transformer as KeyedTransformer<Hidden, Hidden>;
    const targets = this.#targets(keyed, parameters, splitParts(key), from);
    if (targets.length > 1) this.copied += 1;
    const value = ms === 0 ? text : shifted(keyed, parameters, text, ms);
    for (const target of targets) {
      const place = this.#places[target] as Map<string, string>;
      const there = place.get(prefix + key);
      place.set(prefix + key, there === undefined ? value : newer(keyed, there, value));
    }
  }

  table({ transformer, parameters }: PlacedStep, prefix: string, rows: readonly PlacedRow<unknown>[]): void {
    const table = transformer as TableTransformer<Hidden, Hidden>;
    if (table.relocate === undefined)
      throw cannot(`${table.name} keeps state of a whole partition and does not say how it is divided (\`relocate\`)`);
    table.relocate(parameters, rows, this.#relocation()).forEach((moved, target) => {
      moved.forEach(([key, state], mark) => {
        this.#places[target]?.set(prefix + key, printState([mark, state as Json]));
      });
    });
  }

  /** The one place where the values of the key belong now, if they belonged here before; else every place that cannot be excluded. */
  #targets(
    keyed: KeyedTransformer<Hidden, Hidden>,
    parameters: unknown,
    key: readonly string[],
    from: number,
  ): readonly number[] {
    const { partitions, from: before } = this.#options;
    const everywhere = reachable(from, before.partitions, partitions);
    const attributes = keyed.partitionKeys?.(parameters);
    if (attributes === undefined || everywhere.length === 1) return everywhere;
    const origins = keyed.origins?.(parameters, key) ?? [key];
    const possible: (readonly string[])[] = [];
    const likely: (readonly string[])[] = [];
    const named = attributes.indexOf('name');
    for (const values of origins) {
      if (values.length !== attributes.length) continue;
      const chosen = before.partitionBy.map((attribute) => values[attributes.indexOf(attribute)] ?? '');
      if (partitionOf(chosen, before.partitions) !== from) continue;
      possible.push(chosen);
      if (named >= 0 && this.#options.takes(values[named] ?? '')) likely.push(chosen);
    }
    const origin = likely.length > 0 ? likely : possible;
    if (origin.length > 0) return [...new Set(origin.map((values) => partitionOf(values, partitions)))];
    if (keyed.newer === undefined)
      throw cannot(
        `a key of ${keyed.name} is not made of [${attributes.join(', ')}] in this order, nor does it say of what (\`origins\`)`,
      );
    return everywhere;
  }

  #relocation(): Relocation {
    const { from, partitions } = this.#options;
    const readers = new Map(from.partitionBy.map((attribute) => [attribute, compileAttribute(attribute)]));
    return {
      partitions,
      home: (value) => partitionOf(from.partitionBy.map(value), partitions),
      valuesOf: (item: Item) => (attribute) => toText(readers.get(attribute)?.(item)),
      reachable: (old) => reachable(old, from.partitions, partitions),
    };
  }
}

function newer(keyed: KeyedTransformer<Hidden, Hidden>, there: string, value: string): string {
  if (keyed.newer === undefined) return there;
  const [, before] = read(keyed, there);
  const [, coming] = read(keyed, value);
  return keyed.newer(before, coming) === before ? there : value;
}

/** The mark of a key that may idle is a second of partition time. */
function shifted(keyed: KeyedTransformer<Hidden, Hidden>, parameters: unknown, text: string, ms: number): string {
  const idles = keyed.idleAfterMs?.(parameters) !== undefined;
  if (!idles && keyed.shift === undefined) return text;
  const [mark, state] = read(keyed, text);
  return printState([idles ? mark + Math.ceil(ms / 1_000) : mark, (keyed.shift?.(state, ms) ?? state) as Json]);
}

/** Throws what the state's own schema throws: what nobody can read is not moved. */
function read(
  transformer: { readonly name: string; readonly State: Hidden },
  text: string,
): readonly [mark: number, state: Hidden] {
  const [mark, state] = parseState(text) as readonly [number, Json];
  const parsed = transformer.State.safeParse(state);
  if (parsed.success) return [mark, parsed.data];
  throw new Fault('fatal', 'bad_state', `A stored state of ${transformer.name} cannot be read: ${parsed.error.message}`);
}

function cannot(why: string): Fault {
  return new Fault('fatal', 'cannot_relocate', `${why}. Remedy: keep the number of partitions, or give the sink another name.`);
}
