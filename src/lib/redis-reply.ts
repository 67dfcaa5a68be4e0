/** What a script of Redis gave back, as the client shows it. */
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
