import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canonicalParts, partitionOf, stableHash, stableId, stableIdOf } from '../../../src/model/stable-hash.ts';

/** Made with the C implementation (python-xxhash). To change one is to move every key in the field to another partition. */
const golden = JSON.parse(readFileSync(new URL('../../golden/stable-hash.json', import.meta.url), 'utf8')) as readonly {
  readonly parts: readonly string[];
  readonly hash: string;
  readonly partition_of_16: number;
  readonly partition_of_7: number;
  readonly id: string;
}[];

describe('the stable hash', () => {
  it.each(golden)('of $parts is the golden one', ({ parts, hash, partition_of_16, partition_of_7, id }) => {
    expect(stableHash(parts).toString(16).padStart(16, '0')).toBe(hash);
    expect([partitionOf(parts, 16), partitionOf(parts, 7), partitionOf(parts, 1)]).toEqual([partition_of_16, partition_of_7, 0]);
    expect(stableId(parts)).toBe(id);
  });

  it('tells apart where one part ends and the next begins', () => {
    expect(stableHash(['ab', 'c'])).not.toBe(stableHash(['a', 'bc']));
  });

  it('makes the same id of texts that were put together', () => {
    for (const { parts, id } of golden) expect(stableIdOf(parts.map((part) => canonicalParts([part])).join(''))).toBe(id);
  });

  it('gives ids of the shape of a UUID', () => {
    for (const { id } of golden) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
