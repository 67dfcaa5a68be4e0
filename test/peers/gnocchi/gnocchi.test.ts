import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import type { Event } from '../../../src/model/event.ts';
import { makeBatch } from '../../../src/pipeline/batch.ts';
import { gnocchi } from '../../../src/publishers/gnocchi/index.ts';
import { GnocchiSchema } from '../../../src/publishers/gnocchi/schema.ts';
import { PartialFault } from '../../../src/publishers/publisher.ts';
import { codec, sample } from '../../contract/publisher.contract.ts';
import { startProxy } from '../../services/tcp-proxy.ts';
import { GnocchiServer } from './gnocchi-server.ts';

const never = new AbortController().signal;
const context = { name: 'target', sink: 'sink', kind: 'samples', clock: systemClock, random: Math.random } as const;

const resources = `
archive_policy_default: minutes
archive_policies:
  - name: minutes
    aggregation_methods: [mean, count]
    back_window: 0
    definition: [{ granularity: 1 minute, timespan: 1 day }]
resources:
  - resource_type: server
    metrics: { cpu: , memory: { archive_policy_name: low } }
    attributes: { host: "resource_metadata.(instance_host|host)", flavor: resource_metadata.flavor.name }
    event_create: compute.instance.create.end
    event_delete: compute.instance.delete.*
    event_attributes: { id: instance_id, host: host }
    event_associated_resources: { server_port: '{"=": {"server": "%s"}}' }
  - resource_type: server_port
    metrics: [network.incoming.bytes]
    attributes: { server: resource_metadata.instance_id }
`;

describe('the gnocchi publisher and a real Gnocchi', () => {
  let server: GnocchiServer;
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gnocchi-publisher-'));
    server = await GnocchiServer.start();
    await writeFile(join(dir, 'resources.yaml'), resources);
    const text = { type: 'string', required: false, min_length: 0, max_length: 255 };
    await server.ask('POST', '/v1/resource_type', { name: 'server', attributes: { host: text, flavor: text } });
    await server.ask('POST', '/v1/resource_type', { name: 'server_port', attributes: { server: text } });
  }, 600_000);
  afterAll(async () => {
    await server?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const open = (kind: 'samples' | 'events' = 'samples', url = server.url) =>
    gnocchi.open(GnocchiSchema.parse({ url, resources_file: 'resources.yaml' }), { ...context, kind, baseDir: dir });
  const of = (resource: string, name: string, volume: number, minute: number, metadata = {}) => ({
    ...sample(randomUUID(), volume),
    name,
    resource_id: resource,
    timestamp: `2026-01-01T00:${String(minute).padStart(2, '0')}:30.500000+00:00`,
    resource_metadata: metadata,
  });
  const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00+00:00`;

  it('creates policies, resources and metrics, and writes measures; what comes again changes nothing', async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    const publisher = await open();
    const batch = [of(one, 'cpu', 1, 1, { host: 'h1', flavor: { name: 'm1' } }), of(one, 'cpu', 3, 2), of(two, 'cpu', 5, 1)];

    await publisher.probe(never);
    await publisher.publish(makeBatch(batch, codec, false), never);
    await publisher.publish(makeBatch(batch, codec, true), never);
    await publisher.publish(makeBatch([of(one, 'cpu', 4, 3, { host: 'h2' })], codec, false), never);
    await publisher.close();

    expect(await server.measures('server', one, 'cpu')).toEqual([
      [at(1), 60, 1],
      [at(2), 60, 3],
      [at(3), 60, 4],
    ]);
    const path = `/v1/resource/server/${one}/metric/cpu/measures?aggregation=count`;
    expect(await server.ask('GET', path)).toEqual([1, 2, 3].map((minute) => [at(minute), 60, 1]));
    expect(await server.ask('GET', `/v1/resource/server/${one}`)).toMatchObject({ host: 'h2', flavor: 'm1', project_id: 'p' });
    expect(await server.ask('GET', `/v1/resource/server/${two}/metric/cpu`)).toMatchObject({
      unit: '%',
      archive_policy: { name: 'minutes' },
    });
  });

  it('gives what was computed from a meter the resource type of that meter, and all else a generic one', async () => {
    const id = randomUUID();
    const publisher = await open();

    await publisher.publish(makeBatch([of(id, 'cpu_util', 12.5, 1), of('a/b', 'own.meter', 7, 1)], codec, false), never);
    await publisher.close();

    expect(await server.measures('server', id, 'cpu_util')).toEqual([[at(1), 60, 12.5]]);
    expect(await server.measures('generic', 'a_b', 'own.meter')).toEqual([[at(1), 60, 7]]);
  });

  it('lets events begin and end a resource and those that belong to it', async () => {
    const [id, port] = [randomUUID(), randomUUID()];
    const samples = await open();
    const events = await open('events');
    const event = (type: string): Event => ({
      message_id: randomUUID(),
      event_type: type,
      generated: '2026-01-02T03:04:05',
      traits: [
        ['instance_id', 1, id],
        ['host', 1, 'h9'],
      ],
      raw: {},
    });

    const created = makeBatch([event('compute.instance.create.end')], codec, false);
    await events.publish(created, never);
    await events.publish(created, never);
    await samples.publish(makeBatch([of(port, 'network.incoming.bytes', 1, 1, { instance_id: id })], codec, false), never);
    await events.publish(makeBatch([event('compute.instance.delete.start'), event('something.else')], codec, false), never);
    await Promise.all([events.close(), samples.close()]);

    expect(await server.ask('GET', `/v1/resource/server/${id}`)).toMatchObject({
      host: 'h9',
      ended_at: '2026-01-02T03:04:05+00:00',
    });
    // The port began when Gnocchi first heard of it, long after the event that ends it.
    const ended = (await server.ask('GET', `/v1/resource/server_port/${port}`)) as Record<string, unknown>;
    expect(ended).toMatchObject({ server: id, ended_at: ended['started_at'] });
  });

  it('refuses what Gnocchi will never take, and brings its neighbours', async () => {
    const id = randomUUID();
    const publisher = await open();
    const batch = [of(id, 'cpu', 1, 1), { ...of(id, 'cpu', 1, 2), volume: 'many' }, { ...of('', 'cpu', 1, 3), resource_id: '' }];

    const fault = await publisher.publish(makeBatch(batch, codec, false), never).catch((error: unknown) => error);
    await publisher.close();

    expect(fault).toBeInstanceOf(PartialFault);
    expect([...(fault as PartialFault).failed.keys()]).toEqual([1, 2]);
    expect(await server.measures('server', id, 'cpu')).toEqual([[at(1), 60, 1]]);
  });

  it('waits while Gnocchi is away, and goes on by itself', async () => {
    const target = new URL(server.url);
    const proxy = await startProxy({ host: target.hostname, port: Number(target.port) });
    target.port = String(proxy.port);
    const publisher = await open('samples', target.href);
    const id = randomUUID();
    proxy.refuse(true);

    await expect(publisher.publish(makeBatch([of(id, 'cpu', 1, 1)], codec, false), never)).rejects.toMatchObject({
      class: 'retryable',
    });
    proxy.refuse(false);
    await publisher.publish(makeBatch([of(id, 'cpu', 1, 1)], codec, true), never);
    await publisher.close();
    await proxy.close();

    expect(await server.measures('server', id, 'cpu')).toEqual([[at(1), 60, 1]]);
  });
});
