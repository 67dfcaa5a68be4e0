import { Fault } from '../../model/faults.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { parseJson } from '../../model/json-text.ts';
import { readConfigured } from '../configured-file.ts';
import type { HttpClient } from '../http-client.ts';
import type { KeystoneParameters } from './schema.ts';

/** A token and where Gnocchi is, as Keystone (v3) tells it. Asked for when first needed, and again after `forget`. */
export class Keystone {
  readonly #parameters: KeystoneParameters;
  readonly #client: HttpClient;
  readonly #baseDir: string;
  #session: { readonly token: string; readonly endpoint: string | null } | undefined;

  constructor(parameters: KeystoneParameters, client: HttpClient, baseDir: string) {
    this.#parameters = parameters;
    this.#client = client;
    this.#baseDir = baseDir;
  }

  forget(): void {
    this.#session = undefined;
  }

  async session(signal: AbortSignal): Promise<{ readonly token: string; readonly endpoint: string | null }> {
    this.#session ??= await this.#ask(signal);
    return this.#session;
  }

  /** The project's id; null when there is none of that name. */
  async projectId(name: string, domain: string, signal: AbortSignal): Promise<string | null> {
    const domains = await this.#list('domains', { name: domain }, signal);
    const domainId = domains.map((each) => each['id']).find((id) => typeof id === 'string');
    if (typeof domainId !== 'string') return null;
    const projects = await this.#list('projects', { name, domain_id: domainId }, signal);
    const id = projects[0]?.['id'];
    return typeof id === 'string' ? id : null;
  }

  async #list(what: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<readonly JsonObject[]> {
    const { token } = await this.session(signal);
    const url = this.#url(what);
    url.search = new URLSearchParams(query).toString();
    const { body } = await this.#client.demand({ method: 'GET', url, headers: { 'x-auth-token': token } }, signal);
    const answer = parseJson(body);
    const list = isObject(answer) ? answer[what] : null;
    return Array.isArray(list) ? (list as readonly Json[]).filter(isObject) : [];
  }

  #url(path: string): URL {
    const base = this.#parameters.auth_url.replace(/\/+$/, '').replace(/\/v2\.0$/, '');
    return new URL(`${/\/v3$/.test(base) ? base : `${base}/v3`}/${path}`);
  }

  async #ask(signal: AbortSignal): Promise<{ readonly token: string; readonly endpoint: string | null }> {
    const body = JSON.stringify({ auth: await this.#credentials() });
    const request = { method: 'POST', url: this.#url('auth/tokens'), headers: { 'content-type': 'application/json' }, body };
    const answer = await this.#client.ask(request, signal);
    const fault = this.#client.faultOf(answer);
    // Wrong credentials are for an operator to mend, and no fault of what waits to be published.
    if (fault !== undefined) throw new Fault('retryable', 'keystone', `Keystone: ${fault.message}`, { cause: fault });
    const token = answer.headers['x-subject-token'];
    if (typeof token !== 'string') throw new Fault('retryable', 'keystone', 'Keystone gave no token');
    return { token, endpoint: this.#endpointIn(parseJson(answer.body)) };
  }

  async #credentials(): Promise<JsonObject> {
    const p = this.#parameters;
    const password =
      p.password_file === undefined ? (p.password ?? '') : (await readConfigured(p.password_file, this.#baseDir)).trim();
    const userDomain = domain(p.user_domain_id, p.user_domain_name);
    const projectDomain = domain(p.project_domain_id, p.project_domain_name);
    const user = p.user_id === undefined ? { name: p.username ?? '', domain: userDomain } : { id: p.user_id };
    const project =
      p.project_id === undefined
        ? p.project_name === undefined
          ? null
          : { name: p.project_name, domain: projectDomain }
        : { id: p.project_id };
    return {
      identity: { methods: ['password'], password: { user: { ...user, password } } },
      ...(project === null ? {} : { scope: { project } }),
    };
  }

  #endpointIn(answer: Json): string | null {
    const token = isObject(answer) ? answer['token'] : null;
    const catalog = isObject(token) && Array.isArray(token['catalog']) ? (token['catalog'] as readonly Json[]) : [];
    const wanted = this.#parameters.interface.replace(/URL$/, '');
    for (const service of catalog.filter(isObject)) {
      if (service['type'] !== 'metric' || !Array.isArray(service['endpoints'])) continue;
      for (const endpoint of (service['endpoints'] as readonly Json[]).filter(isObject)) {
        const region = endpoint['region_id'] ?? endpoint['region'];
        const here = this.#parameters.region_name === undefined || region === this.#parameters.region_name;
        if (here && endpoint['interface'] === wanted && typeof endpoint['url'] === 'string') return endpoint['url'];
      }
    }
    return null;
  }
}

function domain(id: string | undefined, name: string | undefined): JsonObject {
  return id !== undefined ? { id } : name !== undefined ? { name } : { id: 'default' };
}
