import type { ResourceDefinition, ResourceDefinitions } from '../../core/gnocchi/resources.ts';
import { Fault } from '../../model/faults.ts';
import { isEvent } from '../../model/item.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import type { Sample } from '../../model/sample.ts';
import { HttpClient } from '../http-client.ts';
import { nanosOf, volumeOf } from '../metric.ts';
import { type Batch, PartialFault, type Publisher, type PublisherContext, type PublisherKind } from '../publisher.ts';
import { applyEvent } from './event-changes.ts';
import { GnocchiApi } from './gnocchi-api.ts';
import { Keystone } from './keystone.ts';
import { ResourceCache } from './resource-cache.ts';
import { readResources } from './resources-file.ts';
import { type GnocchiParameters, summary } from './schema.ts';

/**
 * Ceilometer's `gnocchi://`: the measures of a batch in one request, which creates metrics; resources that Gnocchi does not know are created and the
 * request is sent again. Then attributes that changed are updated. A measure is known by its metric and time, so a repeated
 * batch changes nothing.
 */
export const gnocchi: PublisherKind<GnocchiParameters> = {
  name: 'gnocchi',
  summary,
  open: async (parameters, context) => {
    const resources = await readResources(parameters.resources_file, context.baseDir, parameters.archive_policy ?? null);
    return new GnocchiPublisher(parameters, context, resources, await HttpClient.open(parameters, context));
  },
};

interface Grouped {
  readonly definition: ResourceDefinition;
  readonly user: Json;
  attributes: JsonObject;
  readonly metrics: Record<
    string,
    { readonly archive_policy_name: string; readonly unit: Json; readonly measures: JsonObject[] }
  >;
  readonly indices: number[];
}

class GnocchiPublisher implements Publisher {
  readonly #parameters: GnocchiParameters;
  readonly #resources: ResourceDefinitions;
  readonly #client: HttpClient;
  readonly #keystone: Keystone | undefined;
  readonly #api: GnocchiApi;
  readonly #cache = new ResourceCache();
  #hasPolicies = false;
  /** null: there is none of that name. */
  #filtered: string | null | undefined;

  constructor(parameters: GnocchiParameters, context: PublisherContext, resources: ResourceDefinitions, client: HttpClient) {
    this.#parameters = parameters;
    this.#resources = resources;
    this.#client = client;
    const { keystone } = parameters;
    this.#keystone = keystone === undefined ? undefined : new Keystone(keystone, client, context.baseDir);
    this.#api = new GnocchiApi(client, parameters.url, this.#keystone);
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const refused = new Map<number, string>();
    const own = await this.#ownProject(signal);
    const groups = new Map<string, Grouped>();
    for (const [index, item] of batch.items.entries()) {
      if (isEvent(item)) await this.#applyEvent(index, item, refused, signal);
      else if (!this.#isOwn(item, own)) this.#group(index, item, groups, refused);
    }
    if (groups.size > 0) {
      await this.#ensurePolicies(signal);
      await this.#post(groups, refused, signal);
      await this.#update(groups, signal);
    }
    if (refused.size > 0) throw new PartialFault(refused);
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#api.demand('GET', '/v1/archive_policy', undefined, signal);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #applyEvent(
    index: number,
    event: Parameters<typeof applyEvent>[0],
    refused: Map<number, string>,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await applyEvent(event, this.#resources, this.#api, this.#cache, signal);
    } catch (error) {
      if (!(error instanceof Fault) || error.class !== 'poison') throw error;
      refused.set(index, error.message);
    }
  }

  #group(index: number, sample: Sample, groups: Map<string, Grouped>, refused: Map<number, string>): void {
    const value = volumeOf(sample);
    if (value === null || !Number.isFinite(value) || nanosOf(sample.timestamp) === null) {
      refused.set(index, value === null ? 'the volume is no number' : 'the volume is not finite, or the time is none');
      return;
    }
    const { definition, policy } = this.#resources.metric(sample.name);
    // Gnocchi forbids slashes in ids, and Ceilometer's users know them as underscores.
    const id = String(sample.resource_id ?? '').replaceAll('/', '_');
    if (id === '') {
      refused.set(index, 'a measure needs a resource, and this sample has none');
      return;
    }
    const known = groups.get(id);
    const group: Grouped = known ?? { definition, user: sample.user_id, attributes: {}, metrics: {}, indices: [] };
    if (known === undefined) groups.set(id, group);
    group.attributes = {
      ...group.attributes,
      project_id: sample.project_id,
      ...definition.attributes(sample as unknown as Json),
    };
    const metric = group.metrics[sample.name] ?? { archive_policy_name: policy, unit: sample.unit, measures: [] };
    metric.measures.push({ timestamp: sample.timestamp, value: sample.volume });
    Object.defineProperty(group.metrics, sample.name, { value: metric, enumerable: true, configurable: true, writable: true });
    group.indices.push(index);
  }

  /** Gnocchi takes all of a request or nothing of it, so who is missing is created first, or left out with its reason. */
  async #post(groups: Map<string, Grouped>, refused: Map<number, string>, signal: AbortSignal): Promise<void> {
    for (let created = false; groups.size > 0; created = true) {
      const measures = Object.fromEntries([...groups].map(([id, group]) => [id, group.metrics]));
      const unknown = await this.#api.postMeasures(measures, signal);
      if (unknown.length === 0) return;
      if (created)
        throw new Fault(
          'retryable',
          'gnocchi_resource',
          `Gnocchi does not know ${unknown.length} resources that it has just created`,
        );
      for (const id of unknown) {
        const group = groups.get(id);
        if (group === undefined)
          throw new Fault('retryable', 'gnocchi_resource', `Gnocchi names a resource that was not asked for: ${id}`);
        const why = await this.#create(id, group, signal);
        if (why === null) continue;
        for (const index of group.indices) refused.set(index, why);
        groups.delete(id);
      }
    }
  }

  /** Null, or why Gnocchi will never take it. */
  async #create(id: string, { definition, user, attributes }: Grouped, signal: AbortSignal): Promise<string | null> {
    const answer = await this.#api.ask('POST', `/v1/resource/${definition.type}`, { id, user_id: user, ...attributes }, signal);
    if (answer.status === 404)
      throw new Fault(
        'retryable',
        'gnocchi_type',
        `Gnocchi has no resource type ${definition.type}; ceilometer-upgrade creates those of Ceilometer`,
      );
    const fault = answer.status === 409 ? undefined : this.#api.faultOf(answer);
    if (fault === undefined) {
      if (answer.status !== 409) this.#cache.set(id, attributes);
      return null;
    }
    if (fault.class !== 'poison') throw fault;
    return `its resource cannot be created: ${fault.message}`;
  }

  /** The measures are there; attributes that Gnocchi will not take are no reason to give them up. */
  async #update(groups: ReadonlyMap<string, Grouped>, signal: AbortSignal): Promise<void> {
    for (const [id, { definition, attributes }] of groups) {
      if (this.#cache.has(id, attributes)) continue;
      const answer = await this.#api.ask(
        'PATCH',
        `/v1/resource/${definition.type}/${encodeURIComponent(id)}`,
        attributes,
        signal,
      );
      const fault = answer.status === 404 ? undefined : this.#api.faultOf(answer);
      if (fault !== undefined && fault.class !== 'poison') throw fault;
      this.#cache.set(id, attributes);
    }
  }

  async #ensurePolicies(signal: AbortSignal): Promise<void> {
    if (this.#hasPolicies) return;
    for (const policy of this.#resources.archivePolicies) {
      const answer = await this.#api.ask('POST', '/v1/archive_policy', policy, signal);
      // Only administrators may create them. Where we are none, somebody else did, or Gnocchi says so with the measures.
      const fault = answer.status === 409 || answer.status === 403 ? undefined : this.#api.faultOf(answer);
      if (fault !== undefined)
        throw new Fault('retryable', 'gnocchi_policy', `archive policy ${String(policy['name'])}: ${fault.message}`, {
          cause: fault,
        });
    }
    this.#hasPolicies = true;
  }

  async #ownProject(signal: AbortSignal): Promise<string | null> {
    const { filter_project: name, filter_domain: domain } = this.#parameters;
    if (name === undefined || this.#keystone === undefined) return null;
    this.#filtered ??= await this.#keystone.projectId(name, domain, signal);
    return this.#filtered;
  }

  #isOwn(sample: Sample, own: string | null): boolean {
    if (own === null) return false;
    return (
      sample.project_id === own ||
      (sample.resource_id === own && this.#resources.metric(sample.name).definition.type === 'swift_account')
    );
  }
}
