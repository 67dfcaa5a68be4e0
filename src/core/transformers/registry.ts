import { rateOfChange } from './rate-of-change/index.ts';
import type { AnyTransformer } from './transformer.ts';

/** Every transformer, by the name operators write. One folder, one line. */
export const transformers: Readonly<Record<string, AnyTransformer>> = {
  rate_of_change: rateOfChange,
};
