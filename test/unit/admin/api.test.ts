import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AgentView, LiveNews, Told } from '../../../src/admin/agent-view.ts';
import { Health } from '../../../src/admin/health.ts';
import type { Overview, WholeLetter } from '../../../src/admin/overview.ts';
import { Refusal, type Route } from '../../../src/admin/route.ts';
import { letterRoutes } from '../../../src/admin/routes/dead-letters.ts';
import { eventsRoute } from '../../../src/admin/routes/events.ts';
import { resourceRoutes } from '../../../src/admin/routes/resources.ts';
import { type Admin, startAdmin } from '../../../src/admin/server.ts';
import { anOverview } from './an-overview.ts';

const letter: WholeLetter = {
  id: 'abc',
  stage: 'decode',
  reason: 'bad_json',
  message: 'unexpected end',
  sink: null,
  publisher: null,
  origin: 'file:in.jsonl:2',
  messageId: null,
  firstSeen: 1,
  lastSeen: 2,
  times: 1,
  bodyBytes: 8,
  truncated: false,
  body: { text: 'not json' },
};
const told: Told = { id: 3, at: 1, name: 'agent:started', level: 'info', message: 'The agent has started.', facts: {} };

let admin: Admin;
let overview: Overview | null;
let asked: object | null;
let changed: unknown[];
let listeners: Set<(news: LiveNews) => void>;

const view: AgentView = {
  overview: async () => overview,
  history: () => ({ everyMs: 5_000, points: [] }),
  told: () => [{ ...told, id: 2 }, told],
  listen: (heard) => {
    listeners.add(heard);
    return () => listeners.delete(heard);
  },
  letters: (query) => {
    asked = query;
    const { body: _, ...bare } = letter;
    return [bare];
  },
  letter: (id) => (id === 'abc' ? letter : null),
  lettersKeptIn: 'host:/data',
  letterStats: () => ({ letters: 1, bytes: 8, evicted: 0, byReason: { bad_json: 1 } }),
};

const change: Route = {
  method: 'POST',
  path: '/v1/things/:id/drop',
  summary: 'Drops it.',
  body: z.object({ ids: z.array(z.string()).max(2) }),
  answer: z.object({ dropped: z.int() }),
  handle: async ({ params, body }, reply) => {
    if (params['id'] === 'gone') throw new Refusal(409, 'it is gone');
    changed.push(body);
    return reply.send({ dropped: 1 });
  },
};

async function start(token: string | null = null): Promise<void> {
  admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    token,
    health: new Health(),
    version: '1.2.3',
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    status: async () => null,
    routes: [...resourceRoutes(view), ...letterRoutes(view), eventsRoute(view), change],
  });
}

beforeEach(async () => {
  overview = anOverview();
  asked = null;
  changed = [];
  listeners = new Set();
  await start();
});
afterEach(() => admin.close());

const get = (path: string, init: RequestInit = {}) => fetch(admin.address + path, init);
const json = async (path: string) => (await get(path)).json() as Promise<Record<string, unknown>>;

describe('the JSON interface', () => {
  it('gives members, partitions, sinks, publishers and inputs, of one sink or agent where that is asked', async () => {
    expect((await json('/v1/members'))['members']).toEqual(overview?.members);
    expect((await json('/v1/partitions'))['partitions']).toHaveLength(3);
    expect((await json('/v1/partitions?sink=cpu'))['partitions']).toHaveLength(2);
    expect((await json('/v1/sinks'))['sinks']).toEqual(overview?.sinks);
    expect((await json('/v1/publishers?agent=a'))['publishers']).toHaveLength(1);
    expect((await json('/v1/publishers?agent=a&sink=no-such'))['publishers']).toEqual([]);
    expect((await json('/v1/inputs'))['inputs']).toEqual(overview?.inputs);
    expect(await json('/v1/overview')).toEqual(overview);
  });

  it('answers with a problem where the stores do not answer, or there is no such thing', async () => {
    expect(await (await get('/v1/mail')).json()).toEqual({ title: 'this agent sends no mails', status: 404 });
    overview = null;
    const answer = await get('/v1/partitions');

    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await answer.json()).toEqual({ title: 'the stores do not answer', status: 503 });
  });

  it('lists dead letters without their bodies, and gives one with it', async () => {
    const list = await json('/v1/dead-letters?reason=bad_json&limit=5');

    expect(asked).toEqual({ limit: 5, reason: 'bad_json' });
    expect(list).toMatchObject({ letters: 1, byReason: { bad_json: 1 }, items: [{ id: 'abc', reason: 'bad_json' }] });
    expect(JSON.stringify(list)).not.toContain('not json');
    expect(await json('/v1/dead-letters/abc')).toEqual(letter);
    expect((await get('/v1/dead-letters/no-such')).status).toBe(404);
  });

  it('says what is wrong with a question', async () => {
    const answer = await get('/v1/dead-letters?limit=0');

    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { readonly title: string }).title).toMatch(/^query\.limit: /);
  });

  it('lets only its own page, and who is no page, ask for a change', async () => {
    const post = (headers: Record<string, string>, body = '{"ids":["x"]}') =>
      get('/v1/things/7/drop', { method: 'POST', headers, body }).then(({ status }) => status);
    const type = { 'content-type': 'application/json' };

    expect(await post(type)).toBe(200);
    expect(await post({ ...type, origin: admin.address })).toBe(200);
    expect(await post({ ...type, origin: 'http://evil.example' })).toBe(403);
    expect(await post({ ...type, origin: 'null' })).toBe(403);
    expect(await crossSite()).toBe(403);
    expect(await post({ 'content-type': 'text/plain' })).toBe(415);
    expect(await post(type, '{"ids":["x","y","z"]}')).toBe(400);
    expect(await post(type, '{"ids":')).toBe(400);
    expect(await post(type, JSON.stringify({ ids: ['x'.repeat(70_000)] }))).toBe(413);
    expect(changed).toEqual([{ ids: ['x'] }, { ids: ['x'] }]);
    expect((await get('/v1/things/7/drop')).status).toBe(405);
    expect((await get('/v1/things/gone/drop', { method: 'POST', headers: type, body: '{"ids":[]}' })).status).toBe(409);
  });

  it('describes itself: every route that is there, and nothing else', async () => {
    const document = (await json('/v1/openapi.json')) as {
      readonly openapi: string;
      readonly paths: Readonly<Record<string, object>>;
      readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
    };
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name = '']) => name,
    );

    expect(document.openapi).toBe('3.1.0');
    for (const path of Object.keys(document.paths).filter((each) => !each.includes('{') && each !== '/v1/events'))
      expect([200, 404, 503], path).toContain((await get(path)).status);
    expect(document.paths['/v1/things/{id}/drop']).toMatchObject({ post: { requestBody: { required: true } } });
    expect(references.length).toBeGreaterThan(10);
    expect(references.filter((name) => !(name in document.components.schemas))).toEqual([]);
    expect(JSON.stringify(document)).not.toContain('#/$defs/');
  });

  it('wants the token for all that tells something', async () => {
    await admin.close();
    await start('secret');

    for (const path of ['/livez', '/readyz', '/v1/openapi.json']) expect((await get(path)).status, path).not.toBe(401);
    for (const path of [
      '/v1/overview',
      '/v1/members',
      '/v1/dead-letters',
      '/v1/dead-letters/abc',
      '/v1/events',
      '/v1/history',
      '/version',
    ])
      expect((await get(path)).status, path).toBe(401);
  });
});

/** As a browser says it; `fetch` lets nobody say that. */
function crossSite(): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'cross-site' };
    const asking = request(`${admin.address}/v1/things/7/drop`, { method: 'POST', headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asking.on('error', reject).end('{"ids":["x"]}');
  });
}

describe('the stream of events', () => {
  /** Reads until everything wanted was seen. */
  async function read(wanted: readonly string[], headers: Record<string, string> = {}): Promise<string> {
    const left = new AbortController();
    const answer = await get('/v1/events', { headers, signal: left.signal });
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      if (wanted.every((word) => text.includes(word))) break;
      for (const heard of listeners) heard({ kind: 'overview', overview: anOverview() });
      for (const heard of listeners) heard({ kind: 'stale', at: 77 });
    }
    left.abort();
    return text;
  }

  it('begins with the history and what was told lately, and goes on with what is new', async () => {
    const text = await read(['event: overview', 'event: stale']);

    expect(text).toMatch(/^retry: 1000\n\nevent: history\ndata: \{"everyMs":5000,"points":\[\]\}\n\nid: 2\nevent: told\n/);
    expect(text).toContain(`event: overview\ndata: ${JSON.stringify(anOverview())}\n\n`);
    expect(text).toContain('event: stale\ndata: {"at":77}\n\n');
  });

  it('leaves out what a reader that comes back has had', async () => {
    const text = await read(['event: told'], { 'last-event-id': '2' });

    expect(text).toContain('\nid: 3\n');
    expect(text).not.toContain('\nid: 2\n');
  });

  it('forgets who went away, and takes sixteen at once', async () => {
    const streams = await Promise.all(Array.from({ length: 16 }, () => get('/v1/events')));

    expect((await get('/v1/events')).status).toBe(503);
    for (const stream of streams) await stream.body?.cancel();
    while (listeners.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await get('/v1/events')).status).toBe(200);
  });
});
