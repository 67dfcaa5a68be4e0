export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';

interface MetricOf<F> {
  readonly help: string;
  readonly labels?: readonly (keyof F & string)[];
  /** The fact that is added, set or observed; without it 1. */
  readonly value?: NumberKey<F>;
}
type NumberKey<F> = { [K in keyof F & string]: F[K] extends number ? K : never }[keyof F & string];

/** Names without the prefix. Two rows may share a metric; then kind, help and labels must be the same. */
export type Metric<F> =
  | (MetricOf<F> & { readonly counter: string })
  | (MetricOf<F> & { readonly gauge: string })
  | (MetricOf<F> & { readonly histogram: string; readonly value: NumberKey<F> });

/** A metric once its facts are checked: the names are plain texts. */
export interface PlainMetric {
  readonly counter?: string;
  readonly gauge?: string;
  readonly histogram?: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly value?: string;
}

export interface Row<F> {
  readonly level: Level;
  readonly message: string;
  readonly metrics: readonly PlainMetric[];
  /** Never there: it carries the type of the facts. */
  readonly facts?: F;
}

/** Labels must be few and bounded: sink, publisher, input, stage, reason. Never a resource, a message, a key. */
export function row<F extends object>(level: Level, message: string, ...metrics: Metric<F>[]): Row<F> {
  return { level, message, metrics };
}
