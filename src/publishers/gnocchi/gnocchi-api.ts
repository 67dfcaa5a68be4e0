import { Fault } from '../../model/faults.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { parseJson, printJson } from '../../model/json-text.ts';
import type { HttpClient } from '../http-client.ts';
import type { Answer } from '../http-exchange.ts';
import type { Keystone } from './keystone.ts';

export type Measures = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;

/** The calls of Gnocchi's REST API that we need. A token that has run out is renewed once per call. */
export class GnocchiApi {
  readonly #client: HttpClient;
  readonly #url: string | undefined;
  readonly #keystone: Keystone | undefined;

  constructor(client: HttpClient, url: string | undefined, keystone: Keystone | undefined) {
    this.#client = client;
    this.#url = url;
    this.#keystone = keystone;
  }

  async ask(method: string, path: string, body: Json | undefined, signal: AbortSignal): Promise<Answer> {
    for (let renewed = false; ; renewed = true) {
      const session = await this.#keystone?.session(signal);
      const base = this.#url ?? session?.endpoint;
      if (base === undefined || base === null)
        throw new Fault('retryable', 'gnocchi_endpoint', 'the catalog of Keystone names no endpoint of the type `metric`');
      const answer = await this.#client.ask(
        {
          method,
          url: new URL(`${base.replace(/\/+$/, '')}${path}`),
          headers: {
            'content-type': 'application/json',
            accept: 'application/json',
            ...(session === undefined ? {} : { 'x-auth-token': session.token }),
          },
          ...(body === undefined ? {} : { body: printJson(body) }),
        },
        signal,
      );
      if (answer.status !== 401 || this.#keystone === undefined || renewed) return answer;
      this.#keystone.forget();
    }
  }

  faultOf(answer: Answer): Fault | undefined {
    return this.#client.faultOf(answer);
  }

  async demand(method: string, path: string, body: Json | undefined, signal: AbortSignal): Promise<Answer> {
    const answer = await this.ask(method, path, body, signal);
    const fault = this.faultOf(answer);
    if (fault !== undefined) throw fault;
    return answer;
  }

  /** Posts them; the ids of resources that Gnocchi does not know, of which it then took nothing, nor of the others. */
  async postMeasures(measures: Measures, signal: AbortSignal): Promise<readonly string[]> {
    const answer = await this.ask('POST', '/v1/batch/resources/metrics/measures?create_metrics=true', measures as Json, signal);
    const unknown = answer.status === 400 ? unknownResources(answer.body) : null;
    if (unknown !== null) return unknown;
    const fault = this.faultOf(answer);
    if (fault !== undefined) throw fault;
    return [];
  }
}

function unknownResources(body: string): readonly string[] | null {
  let answer: Json;
  try {
    answer = parseJson(body);
  } catch {
    return null; // a proxy's page, not Gnocchi's answer
  }
  const description = isObject(answer) ? answer['description'] : null;
  if (!isObject(description) || description['cause'] !== 'Unknown resources' || !Array.isArray(description['detail']))
    return null;
  return (description['detail'] as readonly Json[]).flatMap((each) => {
    const id = isObject(each) ? each['original_resource_id'] : null;
    return typeof id === 'string' ? [id] : [];
  });
}
