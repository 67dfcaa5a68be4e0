import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { Fault } from '../../../src/model/faults.ts';
import { events } from '../../../src/telemetry/events.ts';
import { createTelemetry } from '../../../src/telemetry/telemetry.ts';

function rig(level: 'trace' | 'info' = 'trace') {
  const lines: Record<string, unknown>[] = [];
  const clock = new ManualClock(0);
  const telemetry = createTelemetry({
    level,
    agent: 'a1',
    clock,
    stream: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  return { telemetry, lines, clock };
}

const retry = (error: unknown) => ({ sink: 's', publisher: 'p', attempt: 1, retryInMs: 20, error });

describe('telemetry', () => {
  it('makes of one event a log line, a metric and a call of who listens', async () => {
    const { telemetry, lines } = rig();
    const heard: unknown[] = [];
    telemetry.listen((name, facts) => heard.push([name, facts]));

    telemetry.emit('publish:dropped', { sink: 's', publisher: 'p', reason: 'outbox_full', items: 7 });

    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 'warn',
      service: 'ceilograph',
      agent_id: 'a1',
      event: 'publish:dropped',
      sink: 's',
      items: 7,
    });
    expect(lines[0]?.['msg']).toBe(events['publish:dropped'].message);
    expect(heard).toEqual([['publish:dropped', { sink: 's', publisher: 'p', reason: 'outbox_full', items: 7 }]]);
    const text = await telemetry.registry().metrics();
    expect(text).toContain('ceilograph_publish_dropped_total{sink="s",publisher="p",reason="outbox_full"} 7');
  });

  it('sets one gauge from two events', async () => {
    const { telemetry } = rig();

    telemetry.emit('breaker:opened', { sink: 's', publisher: 'p', openMs: 100 });
    const opened = await telemetry.registry().metrics();
    telemetry.emit('breaker:closed', { sink: 's', publisher: 'p', open: 0 });
    const closed = await telemetry.registry().metrics();

    expect(opened).toContain('ceilograph_breaker_open{sink="s",publisher="p"} 1');
    expect(closed).toContain('ceilograph_breaker_open{sink="s",publisher="p"} 0');
  });

  it('logs a repeated warning once in ten seconds and says how many were held back, while metrics count all', async () => {
    const { telemetry, lines, clock } = rig();
    const fault = new Fault('retryable', 'econnrefused', 'no');

    for (let i = 0; i < 5; i++) telemetry.emit('publish:retry', retry(fault));
    telemetry.emit('publish:retry', { ...retry(fault), publisher: 'other' });
    await clock.advance(10_000);
    telemetry.emit('publish:retry', retry(fault));

    expect(lines.map((line) => [line['publisher'], line['suppressed']])).toEqual([
      ['p', undefined],
      ['other', undefined],
      ['p', 4],
    ]);
    expect(await telemetry.registry().metrics()).toContain('publish_retries_total{sink="s",publisher="p"} 6');
  });

  it('shows no password of a URL, not even from the depth of an error', () => {
    const { telemetry, lines } = rig();
    const cause = new Error('connect to amqp://guest:s3cr:et@host:5672/ failed');
    const fault = new Fault('retryable', 'amqp_connection', 'https://u:s3cret@h/x and http://u:s3cret@[::1]/', { cause });

    telemetry.emit('publish:retry', retry(fault));
    telemetry.emit('input:connected', { input: 'i', detail: 'amqp://user:s3cret@host' });

    const text = JSON.stringify(lines);
    expect(text).not.toContain('s3c');
    expect(text).toContain('amqp://guest:***@host:5672/');
  });

  it('puts one line out for whatever is told, with control characters escaped', () => {
    const raw: string[] = [];
    const telemetry = createTelemetry({ level: 'info', agent: 'a', stream: { write: (line) => void raw.push(line) } });

    telemetry.emit('input:connected', { input: 'i', detail: 'a\nb\u001b[31m\r{"level":"error"}' });

    expect(raw).toHaveLength(1);
    expect(raw[0]?.slice(0, -1)).not.toMatch(/[\n\r\u001b]/);
  });

  it('logs nothing below its level but counts it', async () => {
    const { telemetry, lines } = rig('info');

    telemetry.emit('publish:accepted', { sink: 's', publisher: 'p', items: 3, bytes: 10, seconds: 0.1 });

    expect(lines).toEqual([]);
    expect(await telemetry.registry().metrics()).toContain('ceilograph_published_total{sink="s",publisher="p"} 3');
  });

  it('has snake case metric names with their unit at the end, and rows that share one agree on it', () => {
    const seen = new Map<string, string>();
    for (const { metrics } of Object.values(events)) {
      for (const { counter, gauge, histogram, help, labels = [] } of metrics) {
        const name = counter ?? gauge ?? histogram ?? '';
        expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
        if (counter !== undefined) expect(name).toMatch(/_total$/);
        if (histogram !== undefined) expect(name).toMatch(/_seconds$/);
        const shape = JSON.stringify([counter !== undefined, gauge !== undefined, help, labels]);
        expect(seen.get(name) ?? shape).toBe(shape);
        seen.set(name, shape);
      }
    }
  });
});
