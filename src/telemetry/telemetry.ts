import { type Clock, systemClock } from '../lib/clock.ts';
import { type Emit, type EventName, events, type Facts } from './events.ts';
import { createLogger, type LogLevel } from './log.ts';
import { createMetrics } from './metrics.ts';
import { RateLimit } from './rate-limit.ts';
import { type Readings, readings } from './readings.ts';
import { redactFacts } from './redact.ts';
import type { Row } from './row.ts';

/** A warning that repeats for the same sink, publisher, input or partition is logged once in this time, with how many were held back. */
const repeatMs = 10_000;
const identity = ['sink', 'publisher', 'input', 'partition', 'stage', 'reason', 'loop', 'transformer', 'site', 'code'];

export type Listener = <E extends EventName>(name: E, facts: Facts<E>) => void;

export interface Scraped {
  readonly contentType: string;
  readonly text: string;
}

export interface TelemetryOptions {
  readonly level: LogLevel;
  readonly agent: string;
  readonly clock?: Clock;
  /** Where log lines go instead of stderr. */
  readonly stream?: { write(line: string): void };
}

/** Never throws at the one who emits: telling must not break what is told about. */
export function createTelemetry({ level, agent, clock = systemClock, stream }: TelemetryOptions) {
  const logger = createLogger(level, agent, stream);
  const table: Readonly<Record<string, Row<unknown>>> = events;
  const metrics = createMetrics(table, readings);
  const limit = new RateLimit(repeatMs);
  const listeners = new Set<Listener>();

  const emit: Emit = (name, facts) => {
    metrics.update(name, facts);
    const { level: rowLevel, message } = table[name] as Row<unknown>;
    if (logger.isLevelEnabled(rowLevel)) {
      const held = rowLevel === 'warn' ? limit.pass(repeatKey(name, facts), clock.monotonic()) : 0;
      if (held !== null)
        logger[rowLevel]({ event: name, ...redactFacts(facts), ...(held > 0 ? { suppressed: held } : {}) }, message);
    }
    for (const listener of listeners) listener(name, facts);
  };

  return {
    emit,
    logger,
    registry: () => metrics.registry,
    /** All metrics as Prometheus reads them. */
    scrape: async (now: Readings): Promise<Scraped> => {
      metrics.read(now);
      return { contentType: metrics.registry.contentType, text: await metrics.registry.metrics() };
    },
    /** Hears every event, logged or not. Returns what ends it. */
    listen: (listener: Listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

/** What repeats the same to an operator. */
export function repeatKey(name: string, facts: Readonly<Record<string, unknown>>): string {
  return [name, ...identity.map((key) => facts[key] ?? '')].join('\u0000');
}
