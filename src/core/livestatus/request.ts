/**
 * What the proxy must know of a request: how its answer is framed and how long it may take. Everything else is the server's matter and
 * goes on byte by byte, in the order in which it came: Icinga stops reading the headers at the first it refuses, so that the place of
 * `ResponseHeader` decides whether the client hears of it.
 */
export interface Request {
  readonly method: 'GET' | 'COMMAND';
  /** As they came, without their newlines. */
  readonly lines: readonly string[];
  readonly table: string;
  /** The client wants the sixteen bytes before the body. */
  readonly fixed16: boolean;
  readonly keepAlive: boolean;
  readonly wait: Wait | null;
  readonly cache: 'default' | 'on' | 'off' | 'reload';
}

/** `limitMs` null: it may wait for ever, by the protocol's own rule. */
export interface Wait {
  readonly limitMs: number | null;
}

interface Header {
  readonly name: string;
  readonly value: string;
}

/**
 * Null for what is no request that we know how to frame (another method, a value of `ResponseHeader` or `KeepAlive` that servers
 * judge differently): it goes to the server untouched, on a connection of its own.
 */
export function parseRequest(lines: readonly string[]): Request | null {
  const first = lines[0] ?? '';
  const method = first.startsWith('GET ') ? 'GET' : first.startsWith('COMMAND ') ? 'COMMAND' : null;
  if (method === null) return null;
  let fixed16 = false;
  let keepAlive = method === 'COMMAND';
  let waits = false;
  let limitMs: number | null = null;
  let cache: Request['cache'] = 'default';
  for (let i = 1; i < lines.length; i++) {
    const header = headerOf(lines[i] as string);
    if (header === null) continue;
    const { name, value } = header;
    if (name === 'ResponseHeader') {
      if (value !== 'fixed16' && value !== 'off') return null;
      fixed16 = value === 'fixed16';
    } else if (name === 'KeepAlive') {
      if (value !== 'on' && value !== 'off') return null;
      keepAlive = value === 'on';
    } else if (name === 'WaitTrigger' || name === 'WaitCondition') waits = true;
    else if (name === 'WaitTimeout') limitMs = /^\d{1,12}$/.test(value) && Number(value) > 0 ? Number(value) : null;
    else if (name === 'Cache') cache = value === 'on' || value === 'off' || value === 'reload' ? value : 'default';
  }
  const table = method === 'GET' ? first.slice(4).trim() : '';
  return { method, lines, table, fixed16, keepAlive, wait: waits ? { limitMs } : null, cache };
}

/** Does a broken or unfinished request say that its client wants sixteen bytes before an answer? */
export function wantsFixed16(lines: readonly string[]): boolean {
  return lines.some((line) => {
    const header = headerOf(line);
    return header?.name === 'ResponseHeader' && header.value === 'fixed16';
  });
}

/**
 * The same request for a channel: always with fixed16, kept alive or not as the channel wants it, and without the `Cache` header that
 * is for proxies. A client without fixed16 gets ours as the first header, so that we hear of every error.
 */
export function toUpstream(request: Request, keepAlive: boolean): string {
  const kept: string[] = [];
  let asked = false;
  for (const line of request.lines) {
    const name = headerOf(line)?.name;
    if (name === 'KeepAlive' || name === 'Cache') continue;
    if (name !== 'ResponseHeader') kept.push(line);
    else if (!asked) {
      kept.push('ResponseHeader: fixed16');
      asked = true;
    }
  }
  if (!asked) kept.splice(1, 0, 'ResponseHeader: fixed16');
  if (keepAlive) kept.push('KeepAlive: on');
  return `${kept.join('\n')}\n\n`;
}

/** Two requests with the same text give the same answer: what they have in common besides framing and moment. */
export function cacheKey(request: Request): string {
  return toUpstream({ ...request, lines: request.lines.filter((line) => headerOf(line)?.name !== 'Localtime') }, false);
}

function headerOf(line: string): Header | null {
  const colon = line.indexOf(':');
  // No header that we look for has a longer name.
  if (colon < 1 || colon > 16) return null;
  return { name: line.slice(0, colon), value: line.slice(colon + 1).trim() };
}
