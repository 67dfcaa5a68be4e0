import { describe, expect, it } from 'vitest';
import type { Overview } from '../../../src/admin/overview.ts';
import { Departed } from '../../../src/page/departed.ts';

/** Members by name, and the owners of the partitions. */
const now = (members: readonly string[], owners: readonly (string | null)[]) =>
  ({
    members: members.map((agent) => ({ agent })),
    partitions: owners.map((owner) => ({ owner })),
  }) as unknown as Overview;

describe('who is gone', () => {
  it.each([
    ['at once with its leases', [now(['a'], ['a', 'a'])]],
    ['before its leases', [now(['a'], ['a', 'b']), now(['a'], ['a', null]), now(['a'], ['a', 'a'])]],
    ['after its leases', [now(['a', 'b'], ['a', null]), now(['a', 'b'], ['a', 'a']), now(['a'], ['a', 'a'])]],
  ])('is shown, whether it goes %s', (_when, then) => {
    const departed = new Departed();
    expect(departed.names(now(['a', 'b'], ['a', 'b']), 0)).toEqual([]);

    expect(then.map((each, i) => departed.names(each, i)).at(-1)).toEqual(['b']);
  });

  it('is shown for a minute, or until it is back', () => {
    const departed = new Departed();
    departed.names(now(['a', 'b'], ['a', 'b']), 0);
    const without = now(['a'], ['a', 'a']);

    expect(departed.names(without, 1_000)).toEqual(['b']);
    expect(departed.names(now(['a', 'b'], ['a', 'a']), 2_000)).toEqual([]);
    expect(departed.names(without, 3_000)).toEqual(['b']);
    expect(departed.names(without, 63_000)).toEqual(['b']);
    expect(departed.names(without, 63_001)).toEqual([]);
    expect(departed.names(without, 64_000)).toEqual([]);
  });

  it('is nobody who never ran anything', () => {
    const departed = new Departed();
    departed.names(now(['a', 'b'], ['a']), 0);

    expect(departed.names(now(['a'], ['a']), 1)).toEqual([]);
  });
});
