import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SettledOffsets } from '../../../src/inputs/kafka/settled-offsets.ts';

it('has nothing to commit before anything was handed out', () => {
  expect(new SettledOffsets().committable).toBeUndefined();
});

it('commits up to the first that is not settled, whatever was settled behind it and however many offsets are missing', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(1000), { minLength: 1 }), fc.func(fc.boolean()), (numbers, isSettled) => {
      const offsets = [...numbers].sort((a, b) => a - b);
      const settled = new SettledOffsets();
      for (const offset of offsets) settled.handed(offset);

      for (const offset of offsets) if (isSettled(offset)) settled.settle(offset);

      const open = offsets.find((offset) => !isSettled(offset));
      expect(settled.committable).toBe(open ?? (offsets.at(-1) ?? 0) + 1);
    }),
  );
});
