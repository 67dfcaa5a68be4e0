import { Document, Scalar, visit } from 'yaml';
import type { ItemKind } from '../../model/item.ts';
import { Float, type Json } from '../../model/json.ts';
import type { SinkSource } from '../sink-config.ts';

/** What a native file of a Ceilometer sink says. */
export interface NativeSink {
  /** Its name in Ceilometer's file, and where that is. */
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly from: ItemKind;
  readonly sources: readonly SinkSource[];
  readonly partitionBy: readonly string[];
  readonly partitions: number;
  /** null: as the loader decides, which knows whether several agents run it. */
  readonly order: 'arrival' | null;
  readonly transform: readonly (readonly [name: string, parameters: Json])[];
  readonly publish: readonly (readonly [kind: string, parameters: Readonly<Record<string, unknown>>])[];
}

/** The file, with what changed as comments. Loading it gives a sink of the same hash. */
export function printNativeSink(name: string, sink: NativeSink, remarks: readonly string[]): string {
  const [only] = sink.sources;
  const content = {
    sink: name,
    from: sink.from,
    ...(sink.sources.length === 1 ? { match: only?.match } : { sources: sink.sources }),
    partition_by: sink.partitionBy,
    partitions: sink.partitions,
    ...(sink.transform.length === 0 ? {} : { transform: sink.transform.map(([step, parameters]) => ({ [step]: parameters })) }),
    publish: sink.publish.map(([kind, parameters]) => ({ [kind]: literal(parameters) })),
    ...(sink.order === null ? {} : { order: sink.order }),
  };
  const document = new Document(printable(content), { version: '1.2' });
  document.commentBefore = [
    ` Imported from ${sink.file}:${sink.line}, the sink ${sink.name} of Ceilometer.`,
    ...remarks.map((remark) => ` ${remark}`),
  ].join('\n');
  visit(document, {
    // Short lists and mappings read better on one line.
    Collection: (_, node) => {
      const short = node.items.length > 0 && String(node).length < 100 && !String(node).trimEnd().includes('\n\n');
      if (short && isFlat(node.toJSON())) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0 });
}

function isFlat(value: unknown): boolean {
  const members = typeof value === 'object' && value !== null ? Object.values(value) : [];
  return members.every((member) => typeof member !== 'object' || member === null);
}

/** A text that looks like a reference stays what it says. */
function literal(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', () => '$${');
  if (Array.isArray(value)) return value.map(literal);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, literal(member)]));
}

function printable(value: unknown): unknown {
  if (value instanceof Float) {
    const scalar = new Scalar(value.value);
    scalar.minFractionDigits = 1;
    return scalar;
  }
  if (Array.isArray(value)) return value.map(printable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, printable(member)]));
}
