import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { makeBatch } from '../../../src/pipeline/batch.ts';
import { httpPublisher } from '../../../src/publishers/http/index.ts';
import { HttpSchema } from '../../../src/publishers/http/schema.ts';
import { faultOfStatus, parseRetryAfter } from '../../../src/publishers/http-status.ts';
import type { Publisher } from '../../../src/publishers/publisher.ts';
import { codec, sample } from '../pipeline-lane/rig.ts';

const [a, b] = ['a', 'b'].map((digit) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`);
const never = new AbortController().signal;
const batch = makeBatch([sample('a')], codec, false);

describe('what a status says', () => {
  it.each([
    [200, undefined],
    [202, undefined],
    [204, undefined],
    [301, 'retryable'],
    [400, 'poison'],
    [401, 'retryable'],
    [403, 'retryable'],
    [404, 'retryable'],
    [408, 'retryable'],
    [409, 'poison'],
    [413, 'poison'],
    [415, 'poison'],
    [422, 'poison'],
    [425, 'retryable'],
    [429, 'retryable'],
    [500, 'retryable'],
    [503, 'retryable'],
    [599, 'retryable'],
  ])('%i is %s', (status, expected) => {
    expect(faultOfStatus(status, undefined, '', 0)?.class).toBe(expected);
  });

  it.each([
    ['7', 7_000],
    ['0', 0],
    ['Thu, 01 Jan 1970 00:01:00 GMT', 50_000],
    ['Thu, 01 Jan 1970 00:00:01 GMT', undefined],
    ['999999', 3_600_000],
    ['soon', undefined],
    ['-3', undefined],
    [undefined, undefined],
  ])('reads Retry-After %s', (value, expected) => {
    expect(parseRetryAfter(value, 10_000)).toBe(expected);
  });
});

describe('the http publisher', () => {
  let server: Server;
  let url: string;
  let directory: string;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const requests: { method: string; path: string; headers: IncomingMessage['headers'] }[] = [];
  let publisher: Publisher | undefined;

  beforeEach(async () => {
    requests.length = 0;
    answer = (_request, response) => void response.end();
    server = createServer((request, response) => {
      requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
      request.resume().on('end', () => answer(request, response));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`;
    directory = await mkdtemp(join(tmpdir(), 'http-'));
  });
  afterEach(async () => {
    await publisher?.close();
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });

  const open = async (options: Record<string, unknown> = {}) => {
    const context = {
      name: 'h',
      sink: 's',
      kind: 'samples',
      clock: systemClock,
      random: Math.random,
      baseDir: directory,
    } as const;
    publisher = await httpPublisher.open(HttpSchema.parse({ url, ...options }), context);
    return publisher;
  };

  it('waits as long as the server asks for', async () => {
    answer = (_request, response) => void response.writeHead(503, { 'retry-after': '12' }).end('busy');

    await expect((await open()).publish(batch, never)).rejects.toMatchObject({
      class: 'retryable',
      code: 'http_status',
      retryAfterMs: 12_000,
      message: 'HTTP 503: busy',
    });
  });

  it.each([
    ['item', ['a', 'b'], [a, b]],
    ['array', ['a', 'b'], [undefined]],
    ['ndjson', ['a', 'a'], [a]],
  ] as const)('says in a request of the form %s which trace it belongs to, where it is one: %j', async (format, of, said) => {
    const traces = of.map((one) => (one === 'a' ? a : b));
    const items = makeBatch([sample('1'), sample('2')], codec, false, undefined, traces);

    await (await open({ format })).publish(items, never);

    expect(requests.map(({ headers }) => headers['traceparent'])).toEqual(said);
  });

  it('follows no redirect', async () => {
    answer = (_request, response) => void response.writeHead(307, { location: `${url}/elsewhere` }).end();

    await expect((await open()).publish(batch, never)).rejects.toMatchObject({ class: 'retryable' });

    expect(requests.map((request) => request.path)).toEqual(['/in']);
  });

  it('gives up a request whose answer does not come in time', async () => {
    answer = () => undefined;

    await expect((await open({ timeout_ms: 50 })).publish(batch, never)).rejects.toMatchObject({
      class: 'retryable',
      code: 'http_timeout',
    });
  });

  it('gives up a request whose answer stops in the middle', async () => {
    answer = (_request, response) => void response.writeHead(200, { 'content-length': '100' }).write('half');

    await expect((await open({ timeout_ms: 50 })).publish(batch, never)).rejects.toMatchObject({ class: 'retryable' });
  });

  it('takes a connection that is cut after the request for a failure', async () => {
    answer = (request) => void request.socket.destroy();

    await expect((await open()).publish(batch, never)).rejects.toMatchObject({ class: 'retryable' });
  });

  it('leaves at once when told to while the server hangs', async () => {
    answer = () => undefined;
    const stop = new AbortController();
    const publishing = (await open()).publish(batch, stop.signal);

    stop.abort(new Error('leaving'));

    await expect(publishing).rejects.toThrow('leaving');
  });

  it('reads the token before every request, so that it may be rotated, and sends the configured headers', async () => {
    await writeFile(join(directory, 'token'), 'one\n');
    const target = await open({ bearer_file: 'token', headers: { 'X-Tenant': 'me' } });
    await target.publish(batch, never);
    await writeFile(join(directory, 'token'), 'two\n');
    await target.publish(batch, never);

    expect(requests.map(({ headers }) => [headers.authorization, headers['x-tenant']])).toEqual([
      ['Bearer one', 'me'],
      ['Bearer two', 'me'],
    ]);
  });

  it('uses one connection for one batch after the other', async () => {
    const target = await open();
    let connections = 0;
    server.on('connection', () => {
      connections += 1;
    });

    for (let i = 0; i < 5; i++) await target.publish(batch, never);

    expect(connections).toBe(1);
  });

  it('does not start without the files it is told to read', async () => {
    await expect(open({ bearer_file: 'nowhere' })).rejects.toMatchObject({ class: 'fatal', code: 'unreadable_file' });
  });

  it('refuses header names and values that would split the request', () => {
    expect(HttpSchema.safeParse({ url, headers: { a: 'x\r\ny: z' } }).success).toBe(false);
    expect(HttpSchema.safeParse({ url, headers: { 'a b': 'x' } }).success).toBe(false);
    expect(HttpSchema.safeParse({ url: 'file:///etc/passwd' }).success).toBe(false);
  });
});
