import type { ResourceDefinition, ResourceDefinitions } from '../../core/gnocchi/resources.ts';
import type { Event } from '../../model/event.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { parseJson } from '../../model/json-text.ts';
import type { GnocchiApi } from './gnocchi-api.ts';
import type { ResourceCache } from './resource-cache.ts';

/**
 * Lets an event create, update or end its resource, and end or update those that belong to it. A resource ends when the event says that it was
 * deleted, not when we hear of it, so that a repeated event says the same. What is not there any more, or is there already, is as it should be.
 */
export async function applyEvent(
  event: Event,
  definitions: ResourceDefinitions,
  api: GnocchiApi,
  cache: ResourceCache,
  signal: AbortSignal,
): Promise<void> {
  for (const definition of definitions.resources) {
    const operation = definition.operation(event.event_type);
    if (operation === null) continue;
    const attributes = attributesOf(definition, event);
    const { id, ...rest } = attributes;
    if (typeof id !== 'string') return;
    const path = `/v1/resource/${definition.type}`;
    if (operation === 'create') {
      const answer = await api.ask('POST', path, { ...attributes, started_at: `${event.generated}+00:00` }, signal);
      const fault = answer.status === 409 ? undefined : api.faultOf(answer);
      if (fault !== undefined) throw fault;
      return;
    }
    cache.delete(id);
    const change = operation === 'delete' ? { ended_at: `${event.generated}+00:00` } : rest;
    await patch(`${path}/${encodeURIComponent(id)}`, change);
    for (const [type, query] of definition.associated)
      for (const found of await search(type, query.replaceAll('%s', id)))
        await patch(`/v1/resource/${type}/${encodeURIComponent(String(found['id']))}`, operation === 'delete' ? change : {});
    return;
  }

  async function patch(path: string, change: JsonObject): Promise<void> {
    if (Object.keys(change).length === 0) return;
    let answer = await api.ask('PATCH', path, change, signal);
    const ended = change['ended_at'];
    if (answer.status === 400 && typeof ended === 'string') {
      // A resource that began when Gnocchi heard of it, from a backlog, cannot end before that: then it ends as it began.
      const resource = parseJson((await api.demand('GET', path, undefined, signal)).body);
      const began = isObject(resource) ? resource['started_at'] : null;
      if (typeof began === 'string' && Date.parse(began) > Date.parse(ended))
        answer = await api.ask('PATCH', path, { ...change, ended_at: began }, signal);
    }
    const fault = answer.status === 404 ? undefined : api.faultOf(answer);
    if (fault !== undefined) throw fault;
  }

  async function search(type: string, query: string): Promise<readonly JsonObject[]> {
    const answer = await api.ask('POST', `/v1/search/resource/${type}`, parseJson(query), signal);
    if (answer.status === 404) return [];
    const fault = api.faultOf(answer);
    if (fault !== undefined) throw fault;
    const found = parseJson(answer.body);
    return Array.isArray(found) ? (found as readonly Json[]).filter(isObject) : [];
  }
}

function attributesOf(definition: ResourceDefinition, event: Event): JsonObject {
  const traits = new Map(event.traits.map(([name, , value]) => [name, value]));
  return Object.fromEntries(
    definition.eventAttributes.flatMap(([name, trait]) => {
      const value = traits.get(trait);
      return value === undefined || value === null ? [] : [[name, value]];
    }),
  );
}
