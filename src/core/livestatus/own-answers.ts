/**
 * What we say ourselves instead of a site, each with its code, so that a client can tell a dead site from an overloaded one. The sentence
 * of 503 is the one that operators of such proxies know and search for.
 */
export interface OwnAnswer {
  readonly code: number;
  readonly text: string;
}

export const ownAnswers = {
  unfinished: (): OwnAnswer => ({ code: 451, text: 'Client connection terminated while request still incomplete' }),
  tooLong: (limit: string): OwnAnswer => ({ code: 413, text: `Request too long: ${limit}` }),
  dead: (site: string, why: string): OwnAnswer => ({ code: 502, text: `Site '${site}' is not reachable: ${why}` }),
  broken: (site: string, why: string): OwnAnswer => ({ code: 502, text: `Site '${site}' gave no usable answer: ${why}` }),
  uncertain: (site: string, why: string): OwnAnswer => ({
    code: 502,
    text: `Site '${site}' did not confirm the command: ${why}. It may have been executed and is not sent again.`,
  }),
  busy: (channels: number): OwnAnswer => ({
    code: 503,
    text: `All ${channels} channels busy, timeout waiting for free channel.`,
  }),
  starting: (site: string): OwnAnswer => ({ code: 503, text: `Site '${site}' has not answered its first heartbeat yet.` }),
  stopping: (site: string): OwnAnswer => ({ code: 503, text: `Site '${site}' is no longer served by this proxy.` }),
  timeout: (seconds: number): OwnAnswer => ({ code: 504, text: `Query timeout of ${seconds} seconds exceeded` }),
} as const;
