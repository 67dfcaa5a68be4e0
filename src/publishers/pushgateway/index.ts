import { Fault } from '../../model/faults.ts';
import { isEvent } from '../../model/item.ts';
import type { Sample } from '../../model/sample.ts';
import { HttpClient } from '../http-client.ts';
import { volumeOf } from '../metric.ts';
import { type Batch, PartialFault, type Publisher, type PublisherKind } from '../publisher.ts';
import { toExposition } from './exposition.ts';
import { type PushgatewayParameters, summary } from './schema.ts';

/**
 * A push replaces what the gateway had of these metrics in the group, so that a repeated batch changes nothing. The samples of a group are pushed
 * together: were they pushed one by one, each would wipe out the series of the one before.
 */
export const pushgateway: PublisherKind<PushgatewayParameters> = {
  name: 'pushgateway',
  summary,
  open: async (parameters, context) => {
    if (context.kind === 'events')
      throw new Fault('fatal', 'samples_only', 'the pushgateway publisher takes samples only, as in Ceilometer');
    return new PushgatewayPublisher(new URL(parameters.url), await HttpClient.open(parameters, context));
  },
};

class PushgatewayPublisher implements Publisher {
  readonly #url: URL;
  readonly #client: HttpClient;
  /** The URL names grouping labels behind the job. */
  readonly #isGrouped: boolean;

  constructor(url: URL, client: HttpClient) {
    this.#url = url;
    this.#client = client;
    const segments = url.pathname.split('/').filter((segment) => segment !== '');
    this.#isGrouped = segments[0] === 'metrics' && segments[1]?.startsWith('job') === true && segments.length > 3;
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<void> {
    const refused = new Map<number, string>();
    const groups = new Map<string, { readonly sample: Sample; readonly index: number }[]>();
    for (const [index, item] of batch.items.entries()) {
      if (isEvent(item)) continue;
      if (volumeOf(item) === null) {
        refused.set(index, 'the volume is no number');
        continue;
      }
      const group = this.#isGrouped ? '' : String(item.resource_id);
      const members = groups.get(group) ?? [];
      members.push({ sample: item, index });
      groups.set(group, members);
    }
    for (const [group, members] of groups) {
      const url = new URL(this.#url);
      if (!this.#isGrouped) url.pathname = `${url.pathname.replace(/\/$/, '')}/resource_id${labelPath(group)}`;
      const body = toExposition(members.map(({ sample }) => sample));
      const answer = await this.#client.ask(
        { method: 'POST', url, headers: { 'content-type': 'text/plain; version=0.0.4' }, body },
        signal,
      );
      const fault = this.#client.faultOf(answer);
      if (fault === undefined) continue;
      if (fault.class !== 'poison' || groups.size === 1) throw fault;
      for (const { index } of members) refused.set(index, fault.message);
    }
    if (refused.size > 0) throw new PartialFault(refused);
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#client.demand({ method: 'GET', url: new URL('/-/ready', this.#url) }, signal);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** A slash cannot stand in a path segment, not even escaped: the gateway takes such a value in base64. */
function labelPath(value: string): string {
  if (value === '' || value.includes('/')) return `@base64/${Buffer.from(value).toString('base64url') || '='}`;
  return `/${encodeURIComponent(value)}`;
}
