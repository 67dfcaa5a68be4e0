import { accumulator } from './accumulator/index.ts';
import { aggregator } from './aggregator/index.ts';
import { arithmetic } from './arithmetic/index.ts';
import { delta } from './delta/index.ts';
import { rateOfChange } from './rate-of-change/index.ts';
import type { AnyTransformer } from './transformer.ts';
import { unitConversion } from './unit-conversion/index.ts';

/** Every transformer, by the name operators write. One folder, one line. */
export const transformers: Readonly<Record<string, AnyTransformer>> = {
  accumulator,
  aggregator,
  arithmetic,
  rate_of_change: rateOfChange,
  delta,
  unit_conversion: unitConversion,
};
