import { createHash } from 'node:crypto';
import type { JsonObject } from '../../model/json.ts';
import { printJson } from '../../model/json-text.ts';

const most = 50_000;

/** Which attributes each resource was last given, so that they are not sent with every sample. Of too many the oldest is forgotten. */
export class ResourceCache {
  readonly #known = new Map<string, string>();

  has(id: string, attributes: JsonObject): boolean {
    return this.#known.get(id) === digest(attributes);
  }

  set(id: string, attributes: JsonObject): void {
    this.#known.delete(id);
    this.#known.set(id, digest(attributes));
    if (this.#known.size <= most) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  delete(id: string): void {
    this.#known.delete(id);
  }
}

function digest(attributes: JsonObject): string {
  return createHash('sha256').update(printJson(attributes)).digest('base64');
}
