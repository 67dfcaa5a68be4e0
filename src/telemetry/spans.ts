/**
 * The steps of `trace` as OpenTelemetry spans. Nobody needs OpenTelemetry for anything else, so its API is no dependency: it is used where it is
 * installed and an SDK has been started before us (`NODE_OPTIONS=--import …`), and otherwise nothing is made.
 *
 * A step is one moment, since many messages take it together; its span begins and ends there.
 */
export interface Spans {
  /** Returns where its children go on, as a traceparent. */
  note(span: NotedSpan): string | undefined;
}

export interface NotedSpan {
  readonly name: string;
  readonly kind: 'internal' | 'producer' | 'consumer';
  /** Epoch ms. */
  readonly at: number;
  readonly parent: string | undefined;
  readonly attributes: Readonly<Record<string, string | number>>;
}

interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly isRemote?: boolean;
}

interface Span {
  spanContext(): SpanContext;
  end(at: number): void;
}

/** What we use of `@opentelemetry/api`, version 1. */
export interface OpenTelemetryApi {
  readonly ROOT_CONTEXT: object;
  readonly SpanKind: { readonly INTERNAL: number; readonly PRODUCER: number; readonly CONSUMER: number };
  readonly trace: {
    getTracer(name: string, version: string): { startSpan(name: string, options: object, context: object): Span };
    setSpanContext(context: object, span: SpanContext): object;
    isSpanContextValid(span: SpanContext): boolean;
  };
}

const apiPackage: string = '@opentelemetry/api';

/** Null where there is no API, or no SDK behind it. */
export async function openSpans(version: string, load: () => Promise<unknown> = () => import(apiPackage)): Promise<Spans | null> {
  const api = await load().then(
    (module) => (module !== null && typeof module === 'object' && 'SpanKind' in module ? (module as OpenTelemetryApi) : null),
    () => null, // it is not installed, and need not be
  );
  if (api === null) return null;
  const tracer = api.trace.getTracer('ceilograph', version);
  // Without an SDK every span has the context that is none.
  const probe = tracer.startSpan('ceilograph', { startTime: 0 }, api.ROOT_CONTEXT).spanContext();
  if (!api.trace.isSpanContextValid(probe)) return null;
  const kinds = { internal: api.SpanKind.INTERNAL, producer: api.SpanKind.PRODUCER, consumer: api.SpanKind.CONSUMER };
  return {
    note: ({ name, kind, at, parent, attributes }) => {
      const context = parent === undefined ? api.ROOT_CONTEXT : api.trace.setSpanContext(api.ROOT_CONTEXT, contextOf(parent));
      const span = tracer.startSpan(name, { kind: kinds[kind], startTime: at, attributes }, context);
      span.end(at);
      const own = span.spanContext();
      return api.trace.isSpanContextValid(own) ? printed(own) : parent;
    },
  };
}

function contextOf(traceparent: string): SpanContext {
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-');
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function printed({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}
