import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCacheable } from '../../../src/core/livestatus/cacheable.ts';
import { parseFixed16, toFixed16 } from '../../../src/core/livestatus/fixed16.ts';
import { afterProbe, initialHeartbeat, patienceMs } from '../../../src/core/livestatus/heartbeat.ts';
import { parseRequest, type Request, toUpstream } from '../../../src/core/livestatus/request.ts';
import { RequestFramer } from '../../../src/core/livestatus/request-framer.ts';

const limits = { maxLineBytes: 100, maxRequestBytes: 1000 };
const line = fc
  .string({ minLength: 1, maxLength: 20 })
  .filter((text) => !text.includes('\n') && text.trim() !== '' && text.trim() === text);

describe('the header fixed16', () => {
  it('has sixteen bytes and says the same when it is read', () => {
    expect(toFixed16({ code: 200, length: 20 })).toBe('200          20\n');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 0, max: 99_999_999_999 }), (code, length) => {
        const text = toFixed16({ code, length });
        expect(text).toHaveLength(16);
        expect(parseFixed16(text)).toEqual({ code, length });
      }),
    );
  });

  it.each([
    '200 999999999999',
    '200          2 \n',
    'bad request: xxx',
    '200            \n',
    '20           20\n',
    '',
  ])('is not %j', (text) => {
    expect(parseFixed16(text)).toBeNull();
  });
});

describe('requests in a stream', () => {
  it('are the same however the stream is cut', () => {
    const stream = fc.array(fc.array(line, { minLength: 1, maxLength: 4 }), { maxLength: 5 });
    fc.assert(
      fc.property(stream, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (requests, cuts) => {
        let text = requests.map((lines) => `${lines.join('\n')}\n\n`).join('');
        const framer = new RequestFramer();
        const found: (readonly string[])[] = [];
        for (let i = 0; text !== ''; i++) {
          const cut = cuts[i % cuts.length] as number;
          framer.push(text.slice(0, cut));
          text = text.slice(cut);
          for (let next = framer.next(limits); next !== null; next = framer.next(limits)) found.push(next.lines);
        }
        expect(found).toEqual(requests);
        expect(framer.rest()).toBeNull();
      }),
    );
  });
});

describe('a request for a channel', () => {
  const upstream = (text: string, keepAlive = false) => toUpstream(parseRequest(text.split('\n')) as Request, keepAlive);

  it('differs only in the headers that frame it, and these stay where they were', () => {
    expect(upstream('GET hosts\nColumns: name')).toBe('GET hosts\nResponseHeader: fixed16\nColumns: name\n\n');
    expect(upstream('GET hosts\nOr: 3\nResponseHeader:fixed16')).toBe('GET hosts\nOr: 3\nResponseHeader: fixed16\n\n');
    expect(upstream('GET hosts\nKeepAlive: on\nCache: reload\nResponseHeader: off\nX:  y ', true)).toBe(
      'GET hosts\nResponseHeader: fixed16\nX:  y \nKeepAlive: on\n\n',
    );
  });

  it('keeps every other line as it is', () => {
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const request = parseRequest(['GET x', ...lines]);
        if (request === null) return;
        const ours = new Set(['ResponseHeader: fixed16', 'KeepAlive: on']);
        const framing = /^(?:ResponseHeader|KeepAlive|Cache):/;
        const sent = toUpstream(request, true).trimEnd().split('\n').slice(1);
        expect(sent.filter((each) => !ours.has(each))).toEqual(lines.filter((each) => !framing.test(each)));
      }),
    );
  });
});

describe('what may be kept', () => {
  const tables = ['hosts', 'columns', 'contacts'];
  const cacheable = (text: string) => isCacheable(parseRequest(text.split('\n')) as Request, tables);

  it.each([
    'GET hosts\nColumns: name alias groups',
    'GET hosts\nColumns: name\nFilter: groups >= all\nOr: 1\nOutputFormat: json\nLocaltime: 1',
    'GET columns',
    'GET columns\nFilter: table = hosts',
  ])('is static: %j', (text) => {
    expect(cacheable(text)).toBe(true);
  });

  it.each([
    'GET hosts',
    'GET hosts\nColumns: name state',
    'GET hosts\nColumns: name\nFilter: state = 0',
    'GET hosts\nColumns: name\nStats: state = 0',
    'GET hosts\nColumns: name\nNew: header',
    'GET hosts\nColumns: name\nWaitTrigger: check',
    'GET hosts\nColumns: name\nCache: off',
    'GET services\nColumns: description',
    'GET status\nColumns: program_start',
    'COMMAND [1] X',
  ])('changes: %j', (text) => {
    expect(cacheable(text)).toBe(false);
  });
});

describe('a heartbeat is late', () => {
  const settings = { intervalMs: 3000, timeout: { percent: 50 }, retryMs: 4000 };
  const beatOf = (ms: number) => afterProbe(initialHeartbeat, { kind: 'answered', ms });

  it.each([
    [1, 500],
    [400, 600],
    [2000, 3000],
  ])('when the site usually takes %i ms after %i ms', (typical, patience) => {
    expect(patienceMs(beatOf(typical), settings)).toBe(patience);
  });

  it('after a fixed time when one is configured', () => {
    expect(patienceMs(beatOf(400), { ...settings, timeout: { ms: 2000 } })).toBe(2000);
  });
});
