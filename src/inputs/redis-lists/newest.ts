/** What the newest element of a list says: `[data, time]`, as the server that took the report wrote it. */
export interface Newest {
  readonly data: unknown;
  readonly time: number;
}

/** Null for what is no such element. */
export function parseNewest(text: string): Newest | null {
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value) || typeof value[1] !== 'number') return null;
    return { data: value[0], time: value[1] };
  } catch {
    return null; // written by somebody else
  }
}

/** Host and service of a key; the name of a host has no `_`. */
export function parseKey(key: string, prefix: string): { readonly host: string; readonly service: string } | null {
  if (!key.startsWith(prefix)) return null;
  const [, host, service] = /^([^_]+)_(.+)_latest$/s.exec(key.slice(prefix.length)) ?? [];
  return host === undefined || service === undefined ? null : { host, service };
}
