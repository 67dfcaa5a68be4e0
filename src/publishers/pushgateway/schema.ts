import { z } from 'zod';
import { httpTarget, httpUrl } from '../http-target.ts';

export const PushgatewaySchema = z.strictObject({
  url: httpUrl().describe(
    'Of the group: `http://gateway:9091/metrics/job/ceilometer`. Without grouping labels behind the job each resource is a group of its own, ' +
      '`…/resource_id/<id>`; with some, everything is pushed there.',
  ),
  ...httpTarget,
});
export type PushgatewayParameters = z.output<typeof PushgatewaySchema>;
export const summary =
  "Pushes the newest sample of each series to a Prometheus Pushgateway, as Ceilometer's `prometheus://` does. A gateway keeps one value per series, without a time.";
