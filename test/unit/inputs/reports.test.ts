import { describe, expect, it } from 'vitest';
import { toReportParts } from '../../../src/inputs/http/reports.ts';

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
let n = 0;
const parts = (body: Uint8Array, ndjson = false, most = 10_000) =>
  toReportParts(body, ndjson, most, () => `id${n++}`, Date.parse('2026-01-01T00:00:00Z'));

describe('a body of reports', () => {
  it('becomes notifications of at most five hundred, each with an id of its own, values untouched', () => {
    const reports = Array.from({ length: 1_201 }, (_, i) => ({ host: `h${i}`, service: 'cpu', data: { big: 1 } }));
    const found = parts(encode(reports));

    expect(found.map(({ line }) => line)).toEqual([1, 501, 1_001]);
    const bodies = found.map(({ bytes }) => decode(bytes));
    expect(new Set(bodies.map(({ message_id }) => message_id)).size).toBe(3);
    expect(bodies.flatMap(({ payload }) => payload.reports)).toEqual(reports);
    expect(bodies[0]).toMatchObject({ event_type: 'ceilograph.reports', timestamp: '2026-01-01T00:00:00.000Z' });
  });

  it('keeps every digit of its data, and may be JSON Lines', () => {
    const [found] = parts(new TextEncoder().encode('{"host":"a","service":"b","data":{"x":9007199254740993}}\n'), true);

    expect(new TextDecoder().decode(found?.bytes)).toContain('9007199254740993');
  });

  it.each([
    [[{ service: 'cpu' }], 'line 1: a report names its host'],
    [
      [
        { host: 'a', service: 'cpu' },
        { host: 'a', service: '' },
      ],
      'line 2: a report names its service',
    ],
    [[{ host: 'a', service: 'cpu' }, 7], 'line 2: a notification is a JSON object'],
  ])('of which one is none is refused as a whole: %j', (body, message) => {
    expect(() => parts(encode(body))).toThrow(message);
  });
});
