import { z } from 'zod';
import type { Item } from '../../../model/item.ts';
import { isNumeric, isObject, type Numeric } from '../../../model/json.ts';
import { numberOf, toDouble } from '../../expression/value.ts';
import { strictCompat, unknownParameters } from '../lenient.ts';
import type { TableTransformer } from '../transformer.ts';

const size = z.union([z.number(), z.boolean(), z.custom<Numeric>(isNumeric)]);

const Parameters = z
  .looseObject({
    size: size.default(1).describe('Samples to hold before all are let go; 0 holds none.'),
    strict_compat: strictCompat,
  })
  .transform((raw) => ({ size: toDouble(numberOf(raw.size) ?? 0), problems: unknownParameters(raw, ['size', 'strict_compat']) }));
type Parameters = z.infer<typeof Parameters>;

const State = z.custom<Item>(isObject);

export const accumulator: TableTransformer<Parameters, Item> = {
  name: 'accumulator',
  summary: 'Holds samples until there are `size` of them, then lets all go.',
  takes: ['samples', 'events'],
  scope: 'partition',
  Parameters: Parameters as unknown as TableTransformer<Parameters, Item>['Parameters'],
  State,
  examples: [
    {
      title: 'Three at a time',
      yaml: 'size: 3',
      given: [
        { name: 'a', volume: 1 },
        { name: 'b', volume: 2 },
        { name: 'c', volume: 3 },
        { name: 'd', volume: 4 },
      ],
      expect: [
        { name: 'a', volume: 1 },
        { name: 'b', volume: 2 },
        { name: 'c', volume: 3 },
      ],
    },
  ],
  problems: (parameters) => parameters.problems,
  step(parameters, held, item) {
    if (parameters.size < 1) return { writes: [], out: [{ item }] };
    // Rows leave all together, so their count names the next one.
    return { writes: [[`${held.size}`, item]], out: [] };
  },
  flush(parameters, held) {
    if (held.size === 0 || held.size < parameters.size) return { writes: [], out: [] };
    const rows = [...held.entries()];
    return { writes: rows.map(([key]) => [key, null]), out: rows.map(([, item]) => ({ item, asIs: true })) };
  },
  relocate(_, rows, { partitions, home, valuesOf }) {
    const places: [string, Item][][] = Array.from({ length: partitions }, () => []);
    for (const { state } of rows) {
      const place = places[home(valuesOf(state))];
      place?.push([`${place.length}`, state]);
    }
    return places;
  },
};
