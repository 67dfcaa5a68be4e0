import { createHash } from 'node:crypto';

/** A Lua script: sent once as text, from then on by its hash. */
export interface Script {
  readonly name: string;
  readonly lua: string;
  readonly sha: string;
}

export function script(name: string, lua: string): Script {
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/** What a script gave back, as the client shows it. */
export type Reply = string | number | null | readonly Reply[];

/** Numbers are read from replies once, here; Lua sends them as integers or as text. */
export function num(reply: Reply | undefined): number {
  const value = typeof reply === 'number' ? reply : Number(reply ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : 0;
}

export function str(reply: Reply | undefined): string {
  return typeof reply === 'string' ? reply : reply === null || reply === undefined ? '' : String(reply);
}

export function list(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}
