import type { ChainStep } from '../transformers/chain.ts';
import type { FormerLayout } from './former-layout.ts';

/** A partition as its store keeps it after its last commit, its outbox left out: that must be empty. */
export interface StoredPartition {
  readonly cursor: string | null;
  readonly ids: readonly (readonly [slice: number, text: string])[];
  readonly states: readonly (readonly [key: string, value: string])[];
}

export interface RelocateOptions {
  readonly steps: readonly ChainStep[];
  readonly order: { readonly latenessMs: number; readonly partitionBy: readonly string[] } | undefined;
  /** The layout that all `old` partitions are of. */
  readonly from: FormerLayout;
  /** How many there will be. */
  readonly partitions: number;
  /** Does the sink take items of this name? Tells where a key without a border is to be cut. */
  readonly takes: (name: string) => boolean;
}

/** Where keys of an old partition may go: hashes that are equal modulo the old number are so modulo every divisor of it. */
export function reachable(from: number, before: number, after: number): readonly number[] {
  const divisor = greatestCommonDivisor(before, after);
  return Array.from({ length: after / divisor }, (_, index) => (from % divisor) + index * divisor);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
