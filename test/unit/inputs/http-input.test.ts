import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { http } from '../../../src/inputs/http/index.ts';
import { HttpInputSchema } from '../../../src/inputs/http/schema.ts';
import { HttpSender } from '../../../src/inputs/http/sender.ts';
import type { Input } from '../../../src/inputs/input.ts';
import { Listener } from '../../contract/input.contract.ts';

let listener: Listener;
let input: Input;
let running: Promise<void>;
let url: URL;

const start = async (parameters: Readonly<Record<string, unknown>> = {}, baseDir?: string) => {
  input = await http.open(HttpInputSchema.parse({ port: 0, ...parameters }), { ...listener.context, baseDir });
  running = listener.follow(input.run());
  await listener.connected();
  url = new URL(listener.events[0]?.detail ?? '');
};
const post = async (body: string | Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>> = {}) => {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/x-ndjson', ...headers }, body });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
};

beforeEach(() => {
  listener = new Listener();
  listener.onDelivery = (delivery) => delivery.settle();
});
afterEach(async () => {
  listener.hard();
  await running;
  await input.close();
});

describe('the http input', () => {
  it('answers 202 when everything is settled, not before', async () => {
    listener.onDelivery = () => {};
    await start();
    let answered = false;
    const answer = post('{"a":1}\n{"b":2}\n').finally(() => {
      answered = true;
    });

    await listener.until(() => listener.deliveries.length === 2);
    listener.deliveries[0]?.settle();
    await new Promise((resolve) => setImmediate(resolve));
    const early = answered;
    listener.deliveries[1]?.settle();

    expect(await answer).toMatchObject({ status: 202, body: { accepted: 2 } });
    expect(early).toBe(false);
  });

  it.each([
    ['application/json', '[{"a":1},{"b":2}]'],
    ['application/json; charset=utf-8', ' [ {"a":1} , {"b":2} ] '],
    ['application/x-ndjson', '{"a":1}\r\n\n{"b":2}'],
  ])('takes %s', async (type, body) => {
    await start();

    const { status } = await post(body, { 'content-type': type });

    expect(status).toBe(202);
    expect(listener.bodies.map((text) => JSON.parse(text))).toEqual([{ a: 1 }, { b: 2 }]);
  });

  it('takes gzip', async () => {
    await start();

    const { status } = await post(new Uint8Array(gzipSync('{"a":1}')), { 'content-encoding': 'gzip' });

    expect([status, listener.bodies]).toEqual([202, ['{"a":1}']]);
  });

  it.each([
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    ['none', undefined],
  ])('keeps the trace that a request belongs to with each of its notifications: %s', async (traceparent, kept) => {
    await start();

    await post('{"a":1}\n{"b":2}', { traceparent });

    expect(listener.deliveries.map((delivery) => delivery.traceparent)).toEqual([kept, kept]);
  });

  it('takes nothing of a request with a bad line, and names it', async () => {
    await start();

    const { status, headers, body } = await post('{"a":1}\n{oops}\n');

    expect([status, headers.get('content-type'), body['line']]).toEqual([400, 'application/problem+json; charset=utf-8', 2]);
    expect(listener.deliveries).toEqual([]);
  });

  it('names the lines that were given back', async () => {
    listener.onDelivery = (delivery) => {
      if (Buffer.from(delivery.body).includes('bad')) delivery.giveBack();
      else delivery.settle();
    };
    await start();

    const { status, headers, body } = await post('{"a":1}\n{"bad":1}\n{"c":1}\n');

    expect([status, headers.get('retry-after')]).toEqual([503, '5']);
    expect(body).toMatchObject({ accepted: 2, failed: [{ line: 2, reason: 'given_back' }] });
  });

  it('answers 429 when it has no room, and 202 again when it has', async () => {
    listener.onDelivery = () => {};
    await start({ prefetch: 1, room_timeout_ms: 20 });
    const first = post('{"a":1}');
    await listener.until(() => listener.deliveries.length === 1);

    const second = await post('{"b":1}');
    listener.deliveries[0]?.settle();

    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '1']);
    expect(second.body).toMatchObject({ accepted: 0, failed: [{ line: 1, reason: 'no_room' }] });
    expect((await first).status).toBe(202);
    listener.onDelivery = (delivery) => delivery.settle();
    expect((await post('{"b":1}')).status).toBe(202);
  });

  it('answers 503 when it is not durable in time', async () => {
    listener.onDelivery = () => {};
    await start({ settle_timeout_ms: 20 });

    const { status, body } = await post('{"a":1}');

    expect([status, body['failed']]).toEqual([503, [{ line: 1, reason: 'not_settled_yet' }]]);
    expect(listener.deliveries[0]?.custody?.lost.aborted).toBe(true);
  });

  it('has nobody warned of a leak by many requests at a time', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    listener.onDelivery = () => {};
    await start();
    const posts = Array.from({ length: 30 }, () => post('{"a":1}'));
    await listener.until(() => listener.deliveries.length === 30);
    for (const delivery of listener.deliveries) delivery.settle();

    const answers = await Promise.all(posts);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warn);

    expect(answers.every(({ status }) => status === 202)).toBe(true);
    expect(warnings).toEqual([]);
  });

  it('answers what is under way while it shuts down, and refuses what is new', async () => {
    listener.onDelivery = () => {};
    await start();
    const first = post('{"a":1}');
    await listener.until(() => listener.deliveries.length === 1);

    listener.soft();
    const second = await post('{"b":1}');
    listener.deliveries[0]?.settle();

    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '5']);
    expect((await first).status).toBe(202);
    await running;
  });

  it('lets nobody in without the token', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'http-input-'));
    await writeFile(join(folder, 'token'), 'the-secret\n');
    await start({ token_file: 'token' }, folder);
    await rm(folder, { recursive: true });

    const none = await post('{"a":1}');
    const wrong = await post('{"a":1}', { authorization: 'Bearer the-secret2' });
    const right = await post('{"a":1}', { authorization: 'Bearer the-secret' });

    expect([none.status, wrong.status, right.status]).toEqual([401, 401, 202]);
    expect(none.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('refuses an empty token', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'http-input-'));
    await writeFile(join(folder, 'token'), '\n');
    await start();

    const opening = http.open(HttpInputSchema.parse({ token_file: 'token' }), { ...listener.context, baseDir: folder });

    await expect(opening).rejects.toMatchObject({ class: 'fatal', code: 'empty_secret' });
    await rm(folder, { recursive: true });
  });

  it('refuses a name that a web page could have bound to us', async () => {
    await start();
    const statusFor = (host: string) =>
      new Promise((resolve) => {
        const headers = { host, 'content-type': 'application/json' };
        request(url, { method: 'POST', headers }, (answer) => resolve(answer.resume().statusCode)).end('{}');
      });

    expect(await statusFor('evil.example')).toBe(421);
    expect(await statusFor('localhost:1')).toBe(202);
  });

  it.each([
    [413, { body_limit_bytes: 1024 }, {}, 'x'.repeat(2000)],
    [413, {}, { 'content-encoding': 'gzip' }, new Uint8Array(gzipSync('x'.repeat(20_000_000)))],
    [415, {}, { 'content-type': 'text/plain' }, '{}'],
    [415, {}, { 'content-encoding': 'br' }, '{}'],
    [400, {}, { 'content-encoding': 'gzip' }, 'not gzip'],
    [400, {}, {}, '[]'],
  ])('answers %i with a problem', async (status, parameters, headers, body) => {
    await start(parameters);

    const answer = await post(body, headers);

    expect(answer).toMatchObject({ status, body: { status, title: expect.any(String) } });
  });

  it('has no other path', async () => {
    await start();

    expect((await fetch(new URL('/', url))).status).toBe(404);
  });

  it('closes on a client that does not finish its request', async () => {
    await start({ request_timeout_ms: 200 });
    const slow = connect(Number(url.port), '127.0.0.1');
    slow.write(
      'POST /v1/notifications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );

    const answer = await new Promise<string>((resolve) => {
      let text = '';
      slow.on('data', (chunk) => {
        text += chunk.toString();
      });
      slow.on('close', () => resolve(text));
    });

    expect(answer).toContain('408');
  });

  it('counts a request that its client broke off as ended', async () => {
    await start({ max_requests: 1 });
    const gone = connect(Number(url.port), '127.0.0.1');
    gone.write(
      'POST /v1/notifications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    let status = 202;
    while (status === 202) status = (await post('{}')).status;
    gone.destroy();

    while (status === 429) status = (await post('{}')).status;

    expect(status).toBe(202);
  });

  it('does not start on a port that is taken', async () => {
    await start();
    const second = await http.open(HttpInputSchema.parse({ port: Number(url.port) }), new Listener().context);

    await expect(second.run()).rejects.toMatchObject({ class: 'fatal', code: 'cannot_listen' });
    await second.close();
  });

  it('takes what our own sender posts, and tells it what to send again', async () => {
    let refused = 0;
    listener.onDelivery = (delivery) => {
      if (Buffer.from(delivery.body).includes('later') && refused++ === 0) delivery.giveBack();
      else delivery.settle();
    };
    await start();
    const sender = new HttpSender(new URL(url.origin), undefined);
    const { signal } = new AbortController();

    const first = await sender.send(['{"a":1}', '{"later":1}'], signal);
    const second = await sender.send(first.left, signal);

    expect(first).toEqual({ left: ['{"later":1}'], afterMs: 5000 });
    expect(second.left).toEqual([]);
  });
});
