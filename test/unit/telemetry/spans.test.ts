import { describe, expect, it } from 'vitest';
import { traceparentOf } from '../../../src/lib/traceparent.ts';
import { type DataEntry, parseEntry, printEntry } from '../../../src/model/entry.ts';
import { Taps } from '../../../src/pipeline/taps.ts';
import { Traces } from '../../../src/pipeline/traces.ts';
import { Watching } from '../../../src/pipeline/watching.ts';
import { type OpenTelemetryApi, openSpans } from '../../../src/telemetry/spans.ts';
import { sampleWith } from '../../sample.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parent = `00-${traceId}-b7ad6b7169203331-01`;
const none = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 };

interface Made {
  readonly name: string;
  readonly options: { readonly kind: number; readonly startTime: number; readonly attributes: object };
  readonly parent: { readonly spanId: string } | undefined;
  readonly spanId: string;
  endedAt: number;
}

/** As the API is with an SDK behind it, or without. */
function standIn(withSdk: boolean) {
  const made: Made[] = [];
  const api: OpenTelemetryApi = {
    ROOT_CONTEXT: {},
    SpanKind: { INTERNAL: 0, PRODUCER: 3, CONSUMER: 4 },
    trace: {
      setSpanContext: (_context, span) => ({ span }),
      isSpanContextValid: (span) => span.traceId !== none.traceId,
      getTracer: () => ({
        startSpan: (name, options, context) => {
          const { span } = context as { readonly span?: { readonly traceId: string; readonly spanId: string } };
          const spanId = `${made.length + 1}`.padStart(16, 'a');
          const one = { name, options, parent: span, spanId, endedAt: -1 } as Made;
          made.push(one);
          return {
            spanContext: () => (withSdk ? { traceId: span?.traceId ?? 'f'.repeat(32), spanId, traceFlags: 1 } : none),
            end: (at) => {
              one.endedAt = at;
            },
          };
        },
      }),
    },
  };
  return { made, load: async () => api };
}

const ref = { cluster: 'c', sink: 'cpu', generation: 1, partition: 0 };

describe('spans', () => {
  it('are made of the way of a notification, each step a child of what its sender began', async () => {
    const { made, load } = standIn(true);
    const watching = new Watching(new Taps(() => 5), new Traces(), () => 5, await openSpans('1', load));
    made.length = 0;

    const trace = watching.converted('amqp', 'amqp://nova/q', 'n1', [sampleWith({ id: 's1' })], [], parent) ?? '';
    watching.appended(new Map([[ref, [{ id: 'n1', items: [], trace }]]]));
    watching.carries('n1', trace);
    watching.committed(ref, 3, 7, ['n1', 'another'], []);
    watching.published(ref, 'file', 7, ['n1']);

    expect(made.map(({ name, options }) => [name, options.kind])).toEqual([
      ['receive amqp', 4],
      ['appended cpu', 3],
      ['committed cpu', 0],
      ['published file', 3],
    ]);
    expect(made[0]?.parent).toMatchObject({ traceId, spanId: 'b7ad6b7169203331', isRemote: true });
    expect(trace).toBe(`00-${traceId}-${made[0]?.spanId}-01`);
    for (const step of made.slice(1)) expect(step.parent?.spanId).toBe(made[0]?.spanId);
    expect(made[2]?.options.attributes).toEqual({
      'messaging.message.id': 'n1',
      'messaging.destination.partition.id': 'cg.c.cpu.g1.p0',
      'ceilograph.sink': 'cpu',
      'ceilograph.epoch': 3,
      'ceilograph.version': 7,
    });
    expect(made.every(({ options, endedAt }) => options.startTime === 5 && endedAt === 5)).toBe(true);
  });

  it('are not made without an SDK or without the API, and a trace goes on all the same', async () => {
    expect(await openSpans('1', standIn(false).load)).toBeNull();
    expect(await openSpans('1', () => Promise.reject(new Error('not installed')))).toBeNull();
    const watching = new Watching(new Taps(() => 0), new Traces(), () => 0);

    expect(watching.converted('amqp', 'q', 'n1', [], [], parent)).toBe(parent);
    expect(watching.converted('amqp', 'q', 'n1', [], [])).toBeUndefined();
  });
});

describe('a trace', () => {
  it.each([
    [parent, parent],
    [Buffer.from(parent), parent],
    [`00-${'0'.repeat(32)}-b7ad6b7169203331-01`, undefined],
    [`ff-${traceId}-b7ad6b7169203331-01`, undefined],
    [`${parent}-more`, undefined],
    [7, undefined],
    [undefined, undefined],
  ])('is read from the header %j only where it is one', (header, read) => {
    expect(traceparentOf(header)).toBe(read);
  });

  it('is carried through an entry, which is as ever where there is none', () => {
    const entry = (trace?: string): DataEntry => ({
      kind: 'data',
      ...{ listener: 'l', seq: 1, at: 2, proven: 0, canaries: [] },
      notifications: [{ id: 'n1', items: [], ...(trace === undefined ? {} : { trace }) }],
    });

    expect(parseEntry(printEntry(entry(parent)))).toEqual(entry(parent));
    expect(printEntry(entry())).not.toContain('"t"');
  });
});
