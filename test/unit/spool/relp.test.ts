import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RelpFraming, readRelpFrame, relpFrame } from '../../../src/core/spool/relp.ts';
import { readSyslog, toSyslog } from '../../../src/core/spool/syslog.ts';
import { Fault } from '../../../src/model/faults.ts';
import { Float } from '../../../src/model/json.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe('RELP', () => {
  it('writes frames as librelp does', () => {
    expect(text(relpFrame(1, 'open', 'relp_version=0'))).toBe('1 open 14 relp_version=0\n');
    expect(text(relpFrame(7, 'close'))).toBe('7 close 0\n');
  });

  it('cuts the same frames however the bytes are cut', () => {
    const frame = fc.tuple(fc.nat(999_999_999), fc.constantFrom('rsp', 'syslog', 'open'), fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), fc.integer({ min: 1, max: 40 }), (frames, size) => {
        const stream = Buffer.concat(frames.map(([transaction, command, data]) => relpFrame(transaction, command, data)));
        const framing = new RelpFraming(1_000);
        const found: unknown[] = [];
        for (let at = 0; at < stream.length; at += size) {
          framing.push(stream.subarray(at, at + size));
          for (let next = framing.next(); next !== undefined; next = framing.next()) {
            const { transaction, command, data } = readRelpFrame(next);
            found.push([transaction, command, new Uint8Array(data)]);
          }
        }

        expect(found).toEqual(frames);
      }),
    );
  });

  it.each([
    'x syslog 1 a\n',
    '1 syslog 2 abc\n',
    '1 syslog 99999999 x',
    '1 1 1 1\n',
    `${'1'.repeat(80)}`,
    '1 syslog 3 abcX',
  ])('refuses %j', (bytes) => {
    const framing = new RelpFraming(1_000);
    framing.push(Buffer.from(bytes));

    expect(() => framing.next()).toThrow(Fault);
  });
});

describe('a syslog message', () => {
  it('of ours holds the notification unchanged, under its id', () => {
    const context = { message_id: 'n-1', payload: { float: new Float(1), big: 2n ** 63n, text: 'a\n"ü' } };

    const line = toSyslog('n-1', 'east', 1_700_000_000_000, context);

    expect(line).toMatch(/^<134>1 2023-11-14T22:13:20.000Z east ceilograph - n-1 - \{/);
    expect(line).not.toContain('\n');
    expect(readSyslog(line)).toEqual({ uuid: 'n-1', record: { uuid: 'n-1', site: 'east', context } });
  });

  it.each([
    [
      '<13>1 2026-11-21T10:00:00Z host app 12 - [x y="]\\]"] text',
      { priority: 13, host: 'host', app: 'app', process: '12', message: 'text' },
    ],
    ['<13>1 - - - - - -', { message: '' }],
    ['<13>Nov 21 10:00:00 host app: old style', { message: '<13>Nov 21 10:00:00 host app: old style' }],
    ['<13>1 - host ceilograph - n-1 - {not ours', { message: '{not ours', id: 'n-1' }],
  ])('of another program is its fields: %s', (line, fields) => {
    const { uuid, record } = readSyslog(line);

    expect(uuid).toBeUndefined();
    expect(record).toMatchObject(fields);
  });
});
