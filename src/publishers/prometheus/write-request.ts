import { varint } from './snappy.ts';

export interface Series {
  /** `__name__` among them. */
  readonly labels: ReadonlyMap<string, string>;
  readonly points: readonly { readonly value: number; readonly ms: bigint }[];
}

/**
 * `prometheus.WriteRequest` of remote write 1.0 as Protocol Buffers: field 1 is a series, in it 1 a label (name 1, value 2) and 2 a sample
 * (value 1 as double, time 2 in milliseconds). Labels must come sorted by name, points by time.
 */
export function encodeWriteRequest(series: readonly Series[]): Buffer {
  return Buffer.concat(
    series.map(({ labels, points }) => {
      const sorted = [...labels].sort(([a], [b]) => (a < b ? -1 : 1));
      const parts = sorted.map(([name, value]) => message(1, Buffer.concat([text(1, name), text(2, value)])));
      const times = [...points].sort((a, b) => (a.ms < b.ms ? -1 : a.ms > b.ms ? 1 : 0));
      return message(1, Buffer.concat([...parts, ...times.map((point) => message(2, sample(point)))]));
    }),
  );
}

function sample({ value, ms }: { readonly value: number; readonly ms: bigint }): Buffer {
  const double = Buffer.alloc(9);
  double[0] = (1 << 3) | 1;
  double.writeDoubleLE(value, 1);
  return Buffer.concat([double, Buffer.of(2 << 3), varint(ms)]);
}

function text(field: number, value: string): Buffer {
  return message(field, Buffer.from(value, 'utf8'));
}

function message(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of((field << 3) | 2), varint(bytes.length), bytes]);
}
