import { accumulator } from './accumulator/index.ts';
import { aggregator } from './aggregator/index.ts';
import { arithmetic } from './arithmetic/index.ts';
import { correlate } from './correlate/index.ts';
import { deduplicate } from './deduplicate/index.ts';
import { delta } from './delta/index.ts';
import { filter } from './filter/index.ts';
import { rateOfChange } from './rate-of-change/index.ts';
import { rename } from './rename/index.ts';
import type { AnyTransformer } from './transformer.ts';
import { unitConversion } from './unit-conversion/index.ts';
import { window } from './window/index.ts';

/** Every transformer, by the name operators write. One folder, one line. */
export const transformers: Readonly<Record<string, AnyTransformer>> = {
  accumulator,
  aggregator,
  arithmetic,
  correlate,
  deduplicate,
  delta,
  filter,
  rate_of_change: rateOfChange,
  rename,
  unit_conversion: unitConversion,
  window,
};
