import { describe, expect, it } from 'vitest';
import { createSigner } from '../../../src/lib/hmac.ts';
import type { Event } from '../../../src/model/event.ts';
import { Float } from '../../../src/model/json.ts';
import { parseJson } from '../../../src/model/json-text.ts';
import { pack } from '../../../src/model/msgpack-writer.ts';
import { makeBatch } from '../../../src/pipeline/batch.ts';
import { createItemCodec } from '../../../src/pipeline/item-codec.ts';
import { nanosOf } from '../../../src/publishers/metric.ts';
import { toCeilometerMetric } from '../../../src/publishers/otlp/ceilometer-form.ts';
import { toLogRecord } from '../../../src/publishers/otlp/logs.ts';
import { toMetrics } from '../../../src/publishers/otlp/metrics.ts';
import { snappyLiteral } from '../../../src/publishers/prometheus/snappy.ts';
import { encodeWriteRequest } from '../../../src/publishers/prometheus/write-request.ts';
import { toExposition } from '../../../src/publishers/pushgateway/exposition.ts';
import { sampleWith } from '../../sample.ts';

// Everything under "as Ceilometer" is what Ceilometer 27.0.0 itself printed for these two items.

const sample = sampleWith({
  id: 'm1',
  type: 'cumulative',
  unit: 'ns',
  volume: new Float(1),
  project_id: 'p',
  timestamp: '2020-01-01T00:00:00+00:00',
  resource_metadata: { a: { z: 1, b: true }, l: ['x', 2, { k: 'v' }], e: {}, u: 'é' },
});
const event: Event = {
  message_id: 'm2',
  event_type: 'compute.instance.create.end',
  generated: '2024-03-04T05:06:07.123456',
  traits: [
    ['host', 1, "it's"],
    ['n', 2, 3],
    ['f', 3, new Float(1)],
    ['t', 4, '2024-03-04T05:06:00'],
  ],
  raw: { payload: { x: null } },
};
const codec = createItemCodec(createSigner('secret'));
const batch = makeBatch([sample, event], codec, false);

describe('as Ceilometer', () => {
  it('signs', () => {
    expect(batch.messages()[0]).toContain(
      '"message_signature":"c586e89d70680193f93924f0028eee42c3dfd6bb3ded7303fff96756f7a0f793"',
    );
    expect(codec.message({ ...sample, volume: 1 })).toContain('21ae94620969aa80355b16d13605d589e608d39cdc47a37d15ab43b86c456750');
  });

  it('packs a message that names its publisher, for tcp', () => {
    const bytes = Buffer.from(pack(parseJson(batch.messagesFrom('host-1')[0] ?? '')));

    expect(bytes.length).toBe(0x017b);
    expect(bytes.toString('hex')).toBe(
      'de0010a6736f75726365a96f70656e737461636bac636f756e7465725f6e616d65a3637075ac636f756e7465725f74797065aa63756d756c6174697665ac636f756e7465725f756e6974a26e73ae636f756e7465725f766f6c756d65cb3ff0000000000000a7757365725f6964c0a9757365725f6e616d65c0aa70726f6a6563745f6964a170ac70726f6a6563745f6e616d65c0ab7265736f757263655f6964a172a974696d657374616d70b9323032302d30312d30315430303a30303a30302b30303a3030b17265736f757263655f6d6574616461746184a16182a17a01a162c3a16c93a1780281a16ba176a16580a175a2c3a9aa6d6573736167655f6964a26d31ae6d6f6e6f746f6e69635f74696d65c0ac7075626c69736865725f6964a6686f73742d31b16d6573736167655f7369676e6174757265d94061383764316532653636646364383639643964376666663532623130643738666234663932373664353932383361346631613066613363633932323963626539',
    );
  });

  it('prints dicts for file:// without json', () => {
    expect(batch.fileTexts('python')).toEqual([
      "{'name': 'cpu', 'type': 'cumulative', 'unit': 'ns', 'volume': 1.0, 'user_id': None, 'user_name': None, 'project_id': 'p', 'project_name': None, 'resource_id': 'r', 'timestamp': '2020-01-01T00:00:00+00:00', 'resource_metadata': {'a': {'z': 1, 'b': True}, 'l': ['x', 2, {'k': 'v'}], 'e': {}, 'u': 'é'}, 'source': 'openstack', 'id': 'm1', 'monotonic_time': None}",
      `{'message_id': 'm2', 'event_type': 'compute.instance.create.end', 'generated': datetime.datetime(2024, 3, 4, 5, 6, 7, 123456), 'traits': [{'name': 'host', 'dtype': 1, 'value': "it's"}, {'name': 'n', 'dtype': 2, 'value': 3}, {'name': 'f', 'dtype': 3, 'value': 1.0}, {'name': 't', 'dtype': 4, 'value': datetime.datetime(2024, 3, 4, 5, 6)}], 'raw': {'payload': {'x': None}}}`,
    ]);
  });

  it('prints events for file://…?json with named traits and times by str()', () => {
    expect(parseJson(batch.fileTexts('json')[1] ?? '')).toEqual(
      parseJson(
        `{"message_id": "m2", "event_type": "compute.instance.create.end", "generated": "2024-03-04 05:06:07.123456", "traits": [{"name": "host", "dtype": 1, "value": "it's"}, {"name": "n", "dtype": 2, "value": 3}, {"name": "f", "dtype": 3, "value": 1.0}, {"name": "t", "dtype": 4, "value": "2024-03-04 05:06:00"}], "raw": {"payload": {"x": null}}}`,
      ),
    );
  });

  it('says a sample to a Pushgateway', () => {
    expect(toExposition([sample])).toBe('# TYPE cpu counter\ncpu{resource_id="r", user_id="None", project_id="p"} 1.0\n');
  });

  it('says a sample in its own form of OpenTelemetry', () => {
    expect(toCeilometerMetric(sample)).toEqual(
      parseJson(
        '{"resource_metrics": [{"scope_metrics": [{"scope": {"name": "ceilometer", "version": "v1"}, "metrics": [{"name": "cpu", "description": "cpu unit:ns", "unit": "ns", "counter": {"data_points": [{"attributes": [{"key": "resource_id", "value": {"string_value": "r"}}, {"key": "user_id", "value": {"string_value": null}}, {"key": "project_id", "value": {"string_value": "p"}}], "start_time_unix_nano": 1577836800, "time_unix_nano": 1577836800, "as_double": 1.0, "flags": 0}]}}]}]}]}',
      ),
    );
  });
});

describe('the exposition', () => {
  it('keeps series of one metric together, the newest value of each, and escapes labels', () => {
    const other = { ...sample, name: 'disk.read-bytes', type: 'delta' as const, resource_id: 'a"b\\c\nd' };

    expect(toExposition([sample, other, { ...sample, volume: 5 }, { ...sample, resource_id: 'r2' }])).toBe(
      '# TYPE cpu counter\n' +
        'cpu{resource_id="r", user_id="None", project_id="p"} 5\n' +
        'cpu{resource_id="r2", user_id="None", project_id="p"} 1.0\n' +
        'disk_read_bytes{resource_id="a\\"b\\\\c\\nd", user_id="None", project_id="p"} 1.0\n',
    );
  });
});

describe('a time', () => {
  it.each([
    ['2020-01-01T00:00:00+00:00', 1577836800_000_000_000n],
    ['2020-01-01T01:00:00.123456+01:00', 1577836800_123_456_000n],
    ['2020-01-01 00:00:00', 1577836800_000_000_000n],
    ['2020-01-01T00:00:00.5Z', 1577836800_500_000_000n],
    ['yesterday', null],
  ])('%s is %s nanoseconds', (text, nanos) => {
    expect(nanosOf(text)).toBe(nanos);
  });
});

describe('OTLP', () => {
  it('says meters by their types, 64-bit integers as texts, and times in nanoseconds', () => {
    const big = { ...sample, volume: 9007199254740993n };
    const gauge = { ...sample, name: 'cpu_util', type: 'gauge' as const, unit: '%', volume: 1.5 };
    const delta = { ...sample, name: 'requests', type: 'delta' as const };

    const [sum, share, requests] = toMetrics([big, gauge, delta]);

    expect(sum).toMatchObject({
      name: 'cpu',
      sum: {
        aggregationTemporality: 2,
        isMonotonic: true,
        dataPoints: [{ asInt: '9007199254740993', timeUnixNano: '1577836800000000000' }],
      },
    });
    expect(share).toMatchObject({ unit: '%', gauge: { dataPoints: [{ asDouble: 1.5 }] } });
    expect(requests).toMatchObject({ sum: { aggregationTemporality: 1, isMonotonic: false, dataPoints: [{ asDouble: 1 }] } });
  });

  it('says an event as a log record with its id and traits', () => {
    expect(toLogRecord(event)).toMatchObject({
      timeUnixNano: '1709528767123456000',
      eventName: 'compute.instance.create.end',
      attributes: [
        { key: 'event.id', value: { stringValue: 'm2' } },
        { key: 'host', value: { stringValue: "it's" } },
        { key: 'n', value: { intValue: '3' } },
        { key: 'f', value: { doubleValue: new Float(1) } },
        { key: 't', value: { stringValue: '2024-03-04T05:06:00Z' } },
      ],
    });
  });
});

describe('a remote write', () => {
  it('is Protocol Buffers with sorted labels and points', () => {
    const labels = new Map([
      ['b', '2'],
      ['__name__', 'x'],
    ]);
    const points = [
      { value: 2, ms: 300n },
      { value: 1, ms: 1n },
    ];

    expect(encodeWriteRequest([{ labels, points }]).toString('hex')).toBe(
      // series { label { __name__ x } label { b 2 } sample { 1 1 } sample { 2 300 } }
      '0a32' +
        '0a0d0a085f5f6e616d655f5f120178' +
        '0a060a0162120132' +
        '120b09000000000000f03f1001' +
        '120c09000000000000004010ac02',
    );
  });

  it('is framed as Snappy, whatever its length', () => {
    const decode = (block: Buffer): Buffer => {
      let at = 0;
      let length = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = block[at++] ?? 0;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      const parts: Buffer[] = [];
      while (at < block.length) {
        expect(block[at]).toBe(0xf4);
        const size = block.readUInt16LE(at + 1) + 1;
        parts.push(block.subarray(at + 3, at + 3 + size));
        at += 3 + size;
      }
      const whole = Buffer.concat(parts);
      expect(whole.length).toBe(length);
      return whole;
    };

    for (const length of [0, 1, 59, 60, 61, 65_535, 65_536, 65_537, 200_000]) {
      const input = Buffer.from(Array.from({ length }, (_, i) => i % 251));
      expect(decode(snappyLiteral(input)).equals(input)).toBe(true);
    }
  });
});
