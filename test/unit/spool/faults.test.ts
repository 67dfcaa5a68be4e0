import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packEntry } from '../../../src/core/spool/entry.ts';
import { SpoolerSchema } from '../../../src/core/spool/settings.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { pack } from '../../../src/model/msgpack-writer.ts';
import { startProxy } from '../../services/tcp-proxy.ts';
import { RawListener, RawPeer } from './raw-peer.ts';
import { entryOf, Site, until, uuids } from './rig.ts';

const listen = (more: object = {}) => ({ tcp_server: { listen: 0, ...more } });
const dial = (...ports: readonly number[]) => ({
  tcp_client: { servers: ports.map((port) => ({ address: '127.0.0.1', port })), cooldown: 0.1 },
});

describe('a sink', () => {
  let sink: Site;

  beforeEach(async () => {
    sink = await Site.make('centre');
  });
  afterEach(() => sink.close());

  const peer = async (site = 'east') => (await RawPeer.dial(await sink.port())).asSource(site);

  it('S10 that dies between its flush and the acknowledgement delivers one copy', async () => {
    sink.start({ role: 'sink', ...listen() });
    let flushed = 0;
    const first = await peer();
    // The last moment before the acknowledgement: the transaction is on disk, the spooler is killed.
    const { arrivals } = sink.place;
    const take = arrivals.take.bind(arrivals);
    arrivals.take = async (batch) => {
      flushed += await take(batch);
      await sink.kill();
      return 0;
    };
    first.send('a', 'n-1', 'n-2');
    await first.ended();
    arrivals.take = take;
    expect([flushed, first.messages.filter((each) => each.kind === 'ack').length]).toEqual([2, 0]);

    sink.start({ role: 'sink', ...listen() });
    const again = await peer();
    again.send('b', 'n-1', 'n-2');

    expect((await again.next('ack')).chunk).toBe('b');
    expect(sink.arrived()).toEqual(['n-1', 'n-2']);
  });

  it('S10 acknowledges nothing that is not on disk', async () => {
    sink.start({ role: 'sink', ...listen() });
    const source = await peer();
    let open: () => void = () => {};
    sink.beforeTransaction = () => new Promise((resolve) => (open = resolve));
    source.send('a', 'n-1');
    await until(() => sink.spooler?.links[0]?.session.pending === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(source.messages.some((each) => each.kind === 'ack')).toBe(false);

    sink.beforeTransaction = () => {};
    open();

    expect((await source.next('ack')).chunk).toBe('a');
  });

  it('S14 takes a chunk that comes over two connections once, and acknowledges it on both', async () => {
    sink.start({ role: 'sink', ...listen() });
    const [one, two] = [await peer(), await peer()];

    one.send('a', 'n-1', 'n-2');
    two.send('a', 'n-1', 'n-2');
    await Promise.all([one.next('ack'), two.next('ack')]);

    expect(sink.arrived()).toEqual(['n-1', 'n-2']);
    expect(sink.place.arrivals.counters.get('repeated')).toBe(2);
  });

  it('S14 knows the chunk of a stranger that comes again, though it carries no ids', async () => {
    sink.start({ role: 'sink', ...listen() });
    const event = pack([
      'app.log',
      [
        [1_700_000_000, { message: 'a' }],
        [1_700_000_000, { message: 'a' }],
      ],
      { chunk: 'YQ==' },
    ]);
    for (let i = 0; i < 2; i++) {
      const source = await peer();
      source.socket.write(event);
      await source.next('ack');
    }

    expect(sink.arrived()).toHaveLength(2);
  });

  it('S15 closes a connection that sent half a frame and fell silent, and takes nothing of it', async () => {
    sink.start({ role: 'sink', ...listen(), expect_heartbeat: 0.3 });
    const source = await peer();
    const whole = pack(['t', [[1, packEntry(entryOf('n-1'))]], { chunk: 'a' }]);
    source.socket.write(whole.subarray(0, whole.length / 2));

    await source.ended();

    expect(sink.arrived()).toEqual([]);
    expect(sink.events.at(-1)).toMatchObject({ kind: 'lost', reason: 'heartbeat overdue 0.3 s' });
  });

  it('S8 lives with a source that only says that it lives, and answers it', async () => {
    sink.start({ role: 'sink', ...listen(), expect_heartbeat: 0.4 });
    const source = await peer();
    for (let i = 0; i < 5; i++) {
      source.socket.write(pack(['ceilograph.hb', [], { chunk: `hb-${i}`, size: 0 }]));
      expect((await source.next('ack')).chunk).toBe(`hb-${i}`);
      await new Promise((resolve) => setTimeout(resolve, 150));
      source.socket.write(new Uint8Array([0xc0]));
    }

    expect(source.closed).toBe(false);
    source.socket.destroy();
  });

  it('S20 with a full disk acknowledges nothing, keeps its connections, and goes on when there is room', async () => {
    sink.start({ role: 'sink', ...listen() });
    const source = await peer();
    sink.beforeTransaction = () => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    };
    source.send('a', 'n-1');
    await until(() => sink.events.some((event) => event.kind === 'cannot_write'));
    source.socket.write(pack(['ceilograph.hb', [], { chunk: 'hb-1', size: 0 }]));
    expect((await source.next('ack')).chunk).toBe('hb-1');

    sink.beforeTransaction = () => {};

    expect((await source.next('ack')).chunk).toBe('a');
    expect(sink.arrived()).toEqual(['n-1']);
  });

  it('S20 whose bound is reached takes no more until the pipelines have taken some', async () => {
    await sink.close();
    sink = await Site.make('centre', undefined, { max_spool_bytes: 2_000 });
    sink.start({ role: 'sink', ...listen(), max_spool_bytes: 2_000 });
    const source = await peer();
    source.send('a', ...uuids(40));
    await source.next('ack');
    source.send('b', 'late');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(source.messages.some((each) => each.kind === 'ack')).toBe(false);

    await sink.place.arrivals.remove(sink.place.arrivals.read(0, 40).map((row) => row.seq));

    expect((await source.next('ack')).chunk).toBe('b');
    expect(sink.arrived()).toEqual(['late']);
  });

  it('S29 refuses a source with another key, and says so to both', async () => {
    sink.start({ role: 'sink', ...listen() });
    const stranger = await (await RawPeer.dial(await sink.port())).asSource('east', 'another');

    expect((await stranger.next('pong')).values.slice(0, 2)).toEqual([false, 'shared key mismatch']);
    await stranger.ended();
    expect(sink.events.at(-1)).toMatchObject({ kind: 'lost', reason: 'refused east: shared key mismatch' });
  });

  it('S29 takes nothing from a source that has not proven itself', async () => {
    sink.start({ role: 'sink', ...listen() });
    const stranger = await RawPeer.dial(await sink.port());
    stranger.send('a', 'n-1');

    await stranger.ended();

    expect(sink.arrived()).toEqual([]);
  });

  it('S7 serves every connection in turn while one floods it', async () => {
    sink.start({ role: 'sink', ...listen() });
    const [flood, other] = [await peer('east'), await peer('west')];
    for (let i = 0; i < 500; i++) flood.send(`flood-${i}`, ...uuids(40, `f-${i}`));
    // At once: on a busy machine the flood may be over before anybody looks.
    other.send('mine', 'n-1');

    await other.next('ack');

    // Twenty thousand are on their way, and each connection may bring 64 KiB a turn.
    expect(sink.place.arrivals.counters.get('received')).toBeLessThan(20_000);
    await until(() => sink.place.arrivals.counters.get('received') === 20_001, 30_000);
  });

  it.each([
    ['sink', { expect_heartbeat: 0.4 }, {}, 'heartbeat overdue 0.4 s'],
    ['source', {}, { acknowledge_within: 0.4 }, 'no answer within 0.4 s'],
  ])('S17 is found again when everything between was dropped for a while: the %s gives up', async (side, ofSink, ofSource, reason) => {
    sink.start({ role: 'sink', ...listen(), ...ofSink });
    const proxy = await startProxy({ host: '127.0.0.1', port: await sink.port() });
    const source = await Site.make('east');
    source.start({ role: 'source', ...dial(proxy.port), send_heartbeat: 0.1, ...ofSource });
    await source.put('n-1');
    await until(() => sink.arrived().length === 1);
    proxy.freeze();
    await source.put('n-2');

    const lost = await until(() => (side === 'sink' ? sink : source).events.find((event) => event.kind === 'lost')?.reason);
    proxy.thaw();
    await until(() => sink.arrived().length === 2);

    expect(lost).toBe(reason);
    expect(sink.arrived()).toEqual(['n-1', 'n-2']);
    await source.close();
    await proxy.close();
  });

  it('S31 closes a connection on which 10 MB come as one, before they are held', async () => {
    sink.start({ role: 'sink', ...listen() });
    const source = await peer();
    source.socket.write(pack(['t', [[1, { uuid: 'large', text: 'x'.repeat(10_000_000) }]], { chunk: 'a' }]));

    await source.ended();

    expect(sink.events.at(-1)).toMatchObject({
      kind: 'lost',
      reason: expect.stringMatching(/^a frame of \d+ bytes or more, at most 8454144/),
    });
    expect(sink.arrived()).toEqual([]);
  });

  it('S27 takes IPv6 peers', async () => {
    sink.start({ role: 'sink', ...listen({ address: '::1' }) });
    const source = await (await RawPeer.dial(await sink.port(), '::1')).asSource('east');
    source.send('a', 'n-1');
    await source.next('ack');

    expect(sink.spooler?.links[0]?.name).toMatch(/^::1:\d+$/);
  });

  it('S28 keeps two connections of one host apart', async () => {
    sink.start({ role: 'sink', ...listen() });
    const [one, two] = [await peer('east'), await peer('west')];
    one.send('a', 'n-1');
    two.send('b', 'n-2');
    await Promise.all([one.next('ack'), two.next('ack')]);

    expect(sink.spooler?.links.map((link) => [link.peer, link.received])).toEqual([
      ['east', 1],
      ['west', 1],
    ]);
  });

  it('S26 whose port is taken says so, and listens once it is free', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => squatter.once('listening', resolve));
    const { port } = squatter.address() as { port: number };
    sink.start({ role: 'sink', tcp_server: { listen: port } });

    const fault = await until(() => {
      const listening = sink.spooler?.listening;
      return listening !== undefined && 'fault' in listening ? listening.fault : undefined;
    });
    squatter.close();

    expect(fault).toContain('EADDRINUSE');
    expect(await sink.port()).toBe(port);
  });
});

describe('a source', () => {
  let source: Site;
  let listener: RawListener;

  beforeEach(async () => {
    source = await Site.make('east');
    listener = await RawListener.listen();
  });
  afterEach(async () => {
    await source.close();
    await listener.close();
  });

  const waiting = () => source.place.spool.stats().new.count;
  const idsOf = (entries: readonly Uint8Array[]) =>
    entries.map((entry) => /n-\d+/.exec(Buffer.from(entry).toString('latin1'))?.[0]);

  it('S11 that dies after it sent sends the same again, under the same ids', async () => {
    await source.put('n-1', 'n-2');
    source.start({ role: 'source', ...dial(listener.port) });
    const first = await (await listener.peer(0)).asSink('centre');
    await first.next('events');
    await source.kill();
    source.start({ role: 'source', ...dial(listener.port) });
    const second = await (await listener.peer(1)).asSink('centre');

    const { entries, chunk } = await second.next('events');
    second.acknowledge(chunk ?? '');

    expect(idsOf(entries)).toEqual(['n-1', 'n-2']);
    await until(() => waiting() === 0);
  });

  it('S12 whose acknowledgement is lost with the connection sends the same again', async () => {
    source.start({ role: 'source', ...dial(listener.port) });
    const first = await (await listener.peer(0)).asSink('centre');
    await source.put('n-1');
    await first.next('events');
    first.socket.resetAndDestroy();

    const second = await (await listener.peer(1)).asSink('centre');
    const { entries } = await second.next('events');

    expect(idsOf(entries)).toEqual(['n-1']);
    expect(waiting()).toBe(1);
  });

  it('S12 whose acknowledgement never comes gives the connection up and sends again', async () => {
    source.start({ role: 'source', ...dial(listener.port), deferred_force_retransmit: 0.3 });
    const first = await (await listener.peer(0)).asSink('centre');
    await source.put('n-1');
    await first.next('events');

    const second = await (await listener.peer(1)).asSink('centre');

    expect(idsOf((await second.next('events')).entries)).toEqual(['n-1']);
    expect(source.events.find((event) => event.kind === 'lost')).toMatchObject({ reason: 'acknowledgement overdue, sent again' });
  });

  it('S13 takes an acknowledgement of a chunk it never sent for nothing', async () => {
    source.start({ role: 'source', ...dial(listener.port) });
    const sink = await (await listener.peer(0)).asSink('centre');
    await source.put('n-1');
    const { chunk } = await sink.next('events');
    sink.acknowledge('never-sent');
    sink.acknowledge('');
    await source.put('n-2');
    await sink.next('events');
    expect(waiting()).toBe(2);

    sink.acknowledge(chunk ?? '');

    await until(() => waiting() === 1);
  });

  it.each([
    ['as many chunks as it may', 1, 12, 6, 6],
    ['512 notifications', 3_000, 1, 512, 8],
  ])('never has more than %s unacknowledged on a connection', async (_what, atOnce, times, notifications, chunks) => {
    const more = { send_heartbeat: 60, ...(chunks === 6 ? { max_unacknowledged: 6 } : {}) };
    source.start({ role: 'source', ...dial(listener.port), ...more });
    const sink = await (await listener.peer(0)).asSink('centre');
    await until(() => source.spooler?.links[0]?.established);
    for (let i = 0; i < times; i++) {
      const before = sink.messages.length;
      await source.put(...uuids(atOnce, `n-${i}`));
      if (before < chunks) await until(() => sink.messages.length > before);
    }
    const unacknowledged = () => sink.messages.flatMap((each) => (each.kind === 'events' ? [each] : []));
    await until(() => unacknowledged().length === chunks);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(unacknowledged().reduce((sum, each) => sum + each.entries.length, 0)).toBe(notifications);

    sink.acknowledge(unacknowledged()[0]?.chunk ?? '');

    await until(() => unacknowledged().length === chunks + 1);
  });

  it('S5 delivers to one of two sinks, to the other when that one goes, and to no one twice what was acknowledged', async () => {
    const other = await RawListener.listen();
    source.start({ role: 'source', ...dial(listener.port, other.port) });
    const first = await (await listener.peer(0)).asSink('centre');
    const second = await (await other.peer(0)).asSink('reserve');
    await until(() => source.spooler?.links.every((link) => link.established));
    await source.put('n-1');
    const taken = await first.next('events');
    first.acknowledge(taken.chunk ?? '');
    await source.put('n-2');
    await first.next('events');
    expect(second.messages).toEqual([]);

    first.socket.destroy();

    expect(idsOf((await second.next('events')).entries)).toEqual(['n-2']);
    await other.close();
  });

  it('S5 lets another sink take over when the first does not acknowledge in time', async () => {
    const other = await RawListener.listen();
    source.start({ role: 'source', ...dial(listener.port, other.port), acknowledge_within: 0.3 });
    const first = await (await listener.peer(0)).asSink('centre');
    const second = await (await other.peer(0)).asSink('reserve');
    await until(() => source.spooler?.links.every((link) => link.established));
    await source.put('n-1');
    await first.next('events');

    expect(idsOf((await second.next('events')).entries)).toEqual(['n-1']);
    await other.close();
  });

  it('S5 gives each sink its own copy where that was asked for', async () => {
    await source.close();
    source = await Site.make('east', undefined, { delivery: 'all', sinks: ['centre', 'reserve'] });
    const other = await RawListener.listen();
    await source.put('n-1');
    source.start({ role: 'source', ...dial(listener.port, other.port), delivery: 'all', sinks: ['centre', 'reserve'] });
    const first = await (await listener.peer(0)).asSink('centre');
    const { chunk } = await first.next('events');
    first.acknowledge(chunk ?? '');
    await until(() => waiting() === 1);

    const second = await (await other.peer(0)).asSink('reserve');

    expect(idsOf((await second.next('events')).entries)).toEqual(['n-1']);
    await other.close();
  });

  it('sets a notification aside that was lost with five connections, and goes on with the others', async () => {
    source.start({ role: 'source', ...dial(listener.port), deferred_cooldown: 1 });
    await source.put('n-1');
    for (let i = 0; i < 5; i++) {
      const sink = await (await listener.peer(i)).asSink('centre');
      await sink.next('events');
      sink.socket.resetAndDestroy();
    }
    await until(() => source.place.spool.stats().deferred.count === 1);
    await source.put('n-2');
    const sink = await (await listener.peer(5)).asSink('centre');
    const { entries, chunk } = await sink.next('events');
    sink.acknowledge(chunk ?? '');
    expect(idsOf(entries)).toEqual(['n-2']);

    await until(async () => (await source.place.spool.retryDue()) === 1);

    expect(idsOf((await sink.next('events')).entries)).toEqual(['n-1']);
  });

  it('S8 that listens holds several connections, shares out what there is, and gives signs of life on each', async () => {
    source.start({ role: 'source', ...listen(), send_heartbeat: 0.1 });
    const sinks = await Promise.all([0, 1, 2].map(async () => (await RawPeer.dial(await source.port())).asSink('centre')));
    await source.put(...uuids(300));

    await Promise.all(
      sinks.map((sink) => until(() => sink.messages.some((each) => each.kind === 'events' && each.tag === 'ceilograph.hb'))),
    );
    const counts = await until(() => {
      const found = sinks.map((sink) =>
        sink.messages.reduce((sum, each) => sum + (each.kind === 'events' ? each.entries.length : 0), 0),
      );
      return found.reduce((sum, count) => sum + count) >= 300 ? found : undefined;
    });

    expect(counts.reduce((sum, count) => sum + count)).toBe(300);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    for (const sink of sinks) sink.socket.destroy();
  });

  it('S22 whose clock is set back by an hour goes on, and shows no negative age', async () => {
    await source.close();
    let offset = 0;
    const clock = { now: () => Date.now() - offset, monotonic: () => performance.now(), sleep: systemClock.sleep };
    source = await Site.make('east', clock);
    source.start({ role: 'source', ...dial(listener.port), send_heartbeat: 0.2 });
    const sink = await (await listener.peer(0)).asSink('centre');
    await source.put('n-1');
    offset = 3_600_000;
    await source.put('n-2');

    await until(() => sink.messages.reduce((sum, each) => sum + (each.kind === 'events' ? each.entries.length : 0), 0) === 2);
    await until(() => sink.messages.some((each) => each.kind === 'events' && each.tag === 'ceilograph.hb'));

    const { oldestMs } = source.place.spool.stats().new;
    expect(oldestMs).toBeGreaterThan(clock.now());
  });

  it('S29 sends nothing to a sink that does not know the key', async () => {
    source.start({ role: 'source', ...dial(listener.port) });
    await source.put('n-1');
    const liar = await listener.peer(0);
    liar.socket.write(pack(['HELO', { nonce: new Uint8Array(16), auth: new Uint8Array(0), keepalive: true }]));
    await liar.next('ping');
    liar.socket.write(pack(['PONG', true, '', 'centre', 'f'.repeat(128)]));

    await liar.ended();

    expect(liar.messages).toEqual([]);
    expect(source.events.find((event) => event.kind === 'lost')).toMatchObject({
      reason: 'the sink does not know the shared key',
    });
  });

  it('S20 with a full spool refuses to take more, or drops the oldest and counts them', async () => {
    await source.close();
    source = await Site.make('east', undefined, { max_spool_bytes: 1_500 });
    await source.put(...uuids(8));
    await expect(source.put(...uuids(8))).rejects.toMatchObject({ class: 'retryable', code: 'spool_full' });
    expect(waiting()).toBe(8);
    await source.close();

    source = await Site.make('east', undefined, { max_spool_bytes: 1_500, on_full: 'drop_oldest' });
    await source.put(...uuids(8));
    await source.put('n-100', 'n-101');

    const left = [...source.place.spool.list()].map(({ row }) => idsOf([row.entry])[0]);
    expect(left.slice(-2)).toEqual(['n-100', 'n-101']);
    expect(source.place.spool.counters.get('dropped_full')).toBe(10 - left.length);
  });
});

describe('both sides', () => {
  it('S23 dial each other and keep one connection, the one that the lower name dialled', async () => {
    const [east, centre] = [await Site.make('east'), await Site.make('centre')];
    centre.start({ role: 'sink', ...listen() });
    east.start({ role: 'source', ...listen(), ...dial(await centre.port()) });
    await until(() => east.spooler?.links.some((link) => link.established));
    const port = await centre.port();
    await centre.stop();
    centre.start({ role: 'sink', tcp_server: { listen: port }, ...dial(await east.port()) });

    await until(() => east.spooler?.links.some((link) => link.established && link.options.dial === undefined));
    await east.put(...uuids(50));
    await until(() => centre.arrived().length === 50);
    const kept = await until(() => {
      const links = east.spooler?.links.filter((link) => link.established) ?? [];
      return links.length === 1 ? links : undefined;
    });

    expect(kept.map((link) => link.options.dial)).toEqual([undefined]); // centre < east: centre dialled it
    await east.close();
    await centre.close();
  });
});

describe('settings', () => {
  it('S2 S24 have one role or none, and a role that is neither is refused', () => {
    expect(SpoolerSchema.parse({}).role).toBe('standalone');
    for (const role of ['both', ['source', 'sink'], 'proxy']) expect(SpoolerSchema.safeParse({ role }).success).toBe(false);
  });

  it('S2 of a standalone site name nobody, those of the others somebody', () => {
    expect(SpoolerSchema.safeParse({ role: 'standalone', tcp_server: {} }).success).toBe(false);
    expect(SpoolerSchema.safeParse({ role: 'source' }).success).toBe(false);
    expect(SpoolerSchema.safeParse({ role: 'sink', tcp_server: {} }).success).toBe(true);
  });

  it('S3 S4 default to what the draft says', () => {
    const settings = SpoolerSchema.parse({ role: 'sink', tcp_server: {}, tcp_client: { servers: [{ address: 'a' }] } });

    expect(settings).toMatchObject({ send_heartbeat: 10, expect_heartbeat: 15 });
    expect(settings.tcp_server?.listen).toBe(6675);
    expect(settings.tcp_client).toMatchObject({ cooldown: 4, servers: [{ port: 6675 }] });
    expect(settings).toMatchObject({
      deferred_cooldown: 180,
      deferred_force_retransmit: 1800,
      max_unacknowledged: 128,
      status_interval: 5,
    });
  });
});
