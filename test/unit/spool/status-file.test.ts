import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SpoolerStatus } from '../../../src/core/spool/status.ts';
import { defaultLimits, judge } from '../../../src/core/spool/verdict.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { keepHouse } from '../../../src/services/spooler/housekeeping.ts';
import { readStatus, writeStatusFiles } from '../../../src/services/spooler/status-file.ts';
import { readAsCheckmk } from './checkmk-rules.ts';
import { RawPeer } from './raw-peer.ts';
import { Site, until } from './rig.ts';

describe('the status of a running spooler', () => {
  let sink: Site;
  let file: string;
  const settings = { role: 'sink', tcp_server: { listen: 0 }, status_interval: 0.1 };

  beforeEach(async () => {
    sink = await Site.make('centre');
    file = join(sink.dataDir, 'log/mknotifyd.status');
  });
  afterEach(() => sink.close());

  const text = async () => readFile(file, 'utf8');
  const status = async () => JSON.parse(await readFile(`${file}.json`, 'utf8')) as SpoolerStatus;
  const section = async () => readAsCheckmk(`${Math.floor(Date.now() / 1000)}\n[centre]\n${await text()}`);

  it('S9 is written every few seconds, for Checkmk, as JSON and for a verdict, with counters', async () => {
    const spooler = sink.start(settings);
    const soft = new AbortController();
    const house = keepHouse(
      {
        spooler,
        statusFile: file,
        filesFolder: undefined,
        version: '1',
        clock: systemClock,
        report: (event) => sink.events.push(event),
      },
      soft.signal,
    );
    const source = await (await RawPeer.dial(await sink.port())).asSource('east');
    source.send('a', 'n-1', 'n-2');
    await source.next('ack');

    await until(async () => (await status().catch(() => null))?.connections[0]?.received === 2);
    const { sites } = await section();
    soft.abort();
    await house;

    expect(sites['centre']?.connectionsBySite['east']).toMatchObject({ state: 'established', received: 2, sent: 0 });
    expect(judge(await status(), Date.now(), defaultLimits, ['east']).code).toBe(0);
    source.socket.destroy();
  });

  it('S32 is whole whenever it is read', async () => {
    const spooler = sink.start(settings);
    let writing = true;
    const writer = (async () => {
      for (let i = 0; i < 300; i++) await writeStatusFiles(file, readStatus(spooler, `1.${'x'.repeat(i % 50)}`, 0, Date.now()));
      writing = false;
    })();
    await until(() =>
      text().then(
        (found) => found.length > 0,
        () => false,
      ),
    );
    let reads = 0;
    for (; writing; reads++) {
      expect((await section()).sites['centre']?.spools).toHaveProperty('Corrupted');
      expect((await status()).site).toBe('centre');
    }
    await writer;

    expect(reads).toBeGreaterThan(20);
    expect(await readdir(join(sink.dataDir, 'log'))).toEqual(['mknotifyd.status', 'mknotifyd.status.json']);
  });

  it('S34 counts since the start that it names, and over all starts apart from that', async () => {
    for (let start = 1; start <= 2; start++) {
      const spooler = sink.start(settings);
      const source = await (await RawPeer.dial(await sink.port())).asSource('east');
      source.send(`${start}`, `n-${start}`);
      await source.next('ack');
      await writeStatusFiles(file, readStatus(spooler, '1', 1_000_000 * start, Date.now()));
      await sink.stop();
    }

    const { startedMs, connections, totals } = await status();

    expect([startedMs, connections[0]?.received, totals['received']]).toEqual([2_000_000, 1, 2]);
    expect(await text()).toContain('Started:         2000 (1970-01-01 00:33:20,');
  });
});
