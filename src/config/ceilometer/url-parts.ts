/** A publisher URL of Ceilometer as the mapping an operator would write natively, or the reason why it is left out. */
export type MappedPublisher =
  | { readonly kind: string; readonly value: Readonly<Record<string, unknown>>; readonly changes: readonly string[] }
  | { readonly leftOut: string }
  /** Running without it would silently lose what an operator counts on. */
  | { readonly refused: string; readonly hint: string };

export interface UrlParts {
  readonly netloc: string;
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
}

// Like Python's urlsplit: lenient, nothing is normalised, no host is needed.
export function splitUrl(text: string): UrlParts {
  const [, netloc = '', path = '', query = ''] = /^[^:]*:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/.exec(text) ?? [];
  return { netloc, path, query: [...new URLSearchParams(query)] };
}

export function lastOf(parts: UrlParts, name: string): string | undefined {
  return parts.query.filter(([key]) => key === name).at(-1)?.[1];
}

/** `host:port` with Ceilometer's default, brackets of an IPv6 address taken off. */
export function hostAndPort({ netloc }: UrlParts): { readonly host: string; readonly port: number } | null {
  const [, bracketed, bare, port = '4952'] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(netloc) ?? [];
  const host = bracketed ?? bare;
  return host === undefined || Number(port) > 65_535 || Number(port) < 1 ? null : { host, port: Number(port) };
}

export const isTrue = (text: string) => ['t', 'true', 'on', 'y', 'yes', '1'].includes(text.trim().toLowerCase());
export const isFalse = (text: string) => ['f', 'false', 'off', 'n', 'no', '0'].includes(text.trim().toLowerCase());
