import { z } from 'zod';
import { truthy } from '../../expression/value.ts';
import { expression, itemNames } from '../item-names.ts';
import type { StatelessTransformer } from '../transformer.ts';

const Parameters = z.strictObject({
  where: expression.describe('An expression over the item; what it is true for stays, all else is dropped and counted.'),
});
type Parameters = z.infer<typeof Parameters>;

const filtered = [{ reason: 'filtered', count: 1 }] as const;

export const filter: StatelessTransformer<Parameters> = {
  name: 'filter',
  summary: 'Keeps the items an expression is true for.',
  takes: ['samples', 'events'],
  scope: 'none',
  Parameters: Parameters as unknown as StatelessTransformer<Parameters>['Parameters'],
  examples: [
    {
      title: 'Only busy machines of one project',
      yaml: 'where: "volume > 80 and project_id == \'p1\'"',
      given: [
        { name: 'cpu_util', volume: 90, project_id: 'p1' },
        { name: 'cpu_util', volume: 10, project_id: 'p1' },
        { name: 'cpu_util', volume: 90, project_id: 'p2' },
      ],
      expect: [{ name: 'cpu_util', volume: 90, project_id: 'p1' }],
    },
    {
      title: 'Failed builds, by a trait',
      yaml: "where: \"traits.state in ['error', 'deleted']\"",
      given: [
        { event_type: 'compute.instance.update', traits: [['state', 1, 'error']] },
        { event_type: 'compute.instance.update', traits: [['state', 1, 'active']] },
      ],
      expect: [{ traits: [['state', 1, 'error']] }],
    },
  ],
  step({ where }, item) {
    return truthy(where.evaluate(itemNames(item))) ? { out: [{ item }] } : { out: [], dropped: filtered };
  },
};
