import { describe, expect, it } from 'vitest';
import { LivenessSchema } from '../../../src/config/liveness-schema.ts';
import { livenessSinks } from '../../../src/config/liveness-sinks.ts';
import { toLiveness } from '../../../src/config/liveness-values.ts';
import { reportsIn } from '../../../src/core/liveness/items.ts';
import { pushedReports } from '../../../src/core/liveness/pushed-reports.ts';
import { createRouter } from '../../../src/core/route/router.ts';
import type { Item } from '../../../src/model/item.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { Sample } from '../../../src/model/sample.ts';
import { partitionOf } from '../../../src/model/stable-hash.ts';
import { sampleWith } from '../../sample.ts';

function pushed(payload: JsonObject) {
  const notification = {
    message_id: 'm',
    publisher_id: 'p',
    event_type: 'ceilograph.reports',
    priority: 'info' as const,
    timestamp: '',
    payload,
  };
  return pushedReports(notification as never, Date.parse('2026-01-01T00:00:00Z'));
}

describe('reports that are sent as such', () => {
  it('become one item per host, each with an id of its own', () => {
    const { items, count, problems } = pushed({
      reports: [
        { host: 'a', service: 'cpu', data: { load1: 0.5 } },
        { host: 'b', service: 'uptime' },
        { host: 'a', service: 'uptime' },
      ],
    });

    expect([count, problems]).toEqual([3, []]);
    expect(items).toMatchObject([
      { resource_id: 'a', resource_metadata: { cpu: { load1: 0.5 }, uptime: {} }, timestamp: '2026-01-01T00:00:00+00:00' },
      { resource_id: 'b', resource_metadata: { uptime: {} } },
    ]);
    expect(items[0]?.id).not.toBe(items[1]?.id);
  });

  it('stay in their order where a service reports twice', () => {
    const { items, count } = pushed({
      reports: [1, 2].map((load1) => ({ host: 'a', service: '__proto__', data: { load1 } })),
    });

    expect(count).toBe(2);
    expect(items.map(reportsIn)).toEqual([[['__proto__', { load1: 1 }]], [['__proto__', { load1: 2 }]]]);
  });

  it.each<[JsonObject, string]>([
    [{}, 'payload.reports is no list'],
    [{ reports: [7] }, 'report 0: is no object'],
    [{ reports: [{ host: '', service: 'cpu' }] }, 'report 0: host is no name of at most 200 characters'],
    [{ reports: [{ host: 'a', service: 'x'.repeat(201) }] }, 'report 0: service is no name of at most 200 characters'],
    [{ reports: [{ host: 'a', service: 'cpu', data: [] }] }, 'report 0: data is no object'],
    [{ reports: [{ host: 'a', service: 'cpu', data: { status: 2 } }] }, 'report 0: status 2 is not 0'],
  ])('are refused when they are none: %j', (payload, problem) => {
    expect(pushed(payload)).toMatchObject({ items: [], count: 0, problems: [problem] });
  });

  it('pass beside one that is none', () => {
    const { count, problems } = pushed({ reports: [{ host: 'a' }, { host: 'b', service: 'cpu', data: { status: 0 } }] });

    expect([count, problems.length]).toEqual([1, 1]);
  });
});

describe('samples that count as reports', () => {
  const values = LivenessSchema.parse({
    partitions: 8,
    reports: [{ match: ['cpu'], host: 'resource_metadata.node', service: '=load' }, { match: ['disk.*'] }],
  });
  const config = values === 'off' ? null : toLiveness(values, (_, text) => text);
  const sinks = livenessSinks(config);

  function routed(sample: Sample): (readonly [partition: number, item: Item])[] {
    const found: (readonly [number, Item])[] = [];
    createRouter(sinks).route('n', [sample], [], (_, partition, { items }) => {
      for (const item of items) found.push([partition, item]);
    });
    return found;
  }

  it('are taken by what their rule names, into the partition of the host', () => {
    const [[partition, item] = []] = routed(
      sampleWith({ id: 's', name: 'cpu', volume: 7, resource_id: 'vm', resource_metadata: { node: 'web1' } }),
    );

    expect(partition).toBe(partitionOf(['web1'], 8));
    expect(item).toMatchObject({ resource_id: 'web1', name: 'load', resource_metadata: { node: 'web1', volume: 7 } });
  });

  it('name their host and service by themselves where nothing else is said', () => {
    expect(routed(sampleWith({ id: 's', name: 'disk.read', resource_id: 'web2' }))).toMatchObject([
      [partitionOf(['web2'], 8), { resource_id: 'web2', name: 'disk.read' }],
    ]);
  });

  it('that name no host are not taken, nor are others', () => {
    expect(routed(sampleWith({ id: 's', name: 'cpu', resource_metadata: {} }))).toEqual([]);
    expect(routed(sampleWith({ id: 's', name: 'memory', resource_id: 'web1' }))).toEqual([]);
  });
});
