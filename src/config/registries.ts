import type { ZodType } from 'zod';
import { transformers } from '../core/transformers/registry.ts';
import type { AnyTransformer } from '../core/transformers/transformer.ts';
import type { InputKind } from '../inputs/input.ts';
import { inputs } from '../inputs/registry.ts';
import { type PublisherEntry, publishers } from '../publishers/registry.ts';

interface KindEntry<K> {
  readonly summary: string;
  readonly schema: ZodType;
  readonly missing?: () => { readonly message: string; readonly hint: string } | null;
  readonly load: () => Promise<K>;
}

/** What a configuration can name. Handed in, so that tests bring their own. */
export interface Registries {
  readonly transformers: Readonly<Record<string, AnyTransformer>>;
  readonly publishers: Readonly<Record<string, PublisherEntry>>;
  // biome-ignore lint/suspicious/noExplicitAny: the parameters are hidden in a registry; the entry's own schema parses them.
  readonly inputs: Readonly<Record<string, KindEntry<InputKind<any>>>>;
}

export const shipped: Registries = { transformers, publishers, inputs };
