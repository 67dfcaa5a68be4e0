import { afterEach, describe, expect, it } from 'vitest';
import { Site, until } from '../unit/spool/rig.ts';
import { SiteProcess } from './site-under-test.ts';

const longMs = 120_000;

describe('S16 a source that is stopped with SIGSTOP', () => {
  const opened: { close(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });

  const setUp = async (sinkDials: boolean) => {
    const sink = await Site.make('centre');
    const home = await Site.make('east');
    opened.push(sink, home);
    let source: SiteProcess;
    const site = { role: 'source', site: 'east' };
    if (sinkDials) {
      source = new SiteProcess(home.dataDir, { ...site, tcp_server: { listen: 0 } });
      sink.start({ role: 'sink', tcp_client: { servers: [{ address: '127.0.0.1', port: await source.port() }] } });
    } else {
      sink.start({ role: 'sink', tcp_server: { listen: 0 } });
      source = new SiteProcess(home.dataDir, {
        ...site,
        tcp_client: { servers: [{ address: '127.0.0.1', port: await sink.port() }] },
      });
    }
    opened.unshift({ close: () => source.kill() });
    const established = () => sink.spooler?.links.find((link) => link.established);
    await until(established, longMs);
    return { sink, home, source, established };
  };

  it.each([
    [true, 'the sink'],
    [false, 'the source'],
  ])('is given up after 15 s and is back within cooldown and a second once it goes on (%s, %s dials)', {
    timeout: longMs,
  }, async (sinkDials) => {
    const { sink, home, source, established } = await setUp(sinkDials);
    await home.put('n-1');
    await until(() => sink.arrived().length === 1);
    const heard = () => sink.spooler?.links[0]?.state.heardAt ?? 0;
    await until(() => performance.now() - heard() > 500 && performance.now() - heard() < 5_000, longMs);
    source.signal('SIGSTOP');
    const lastHeard = heard();
    await home.put('n-2');

    await until(() => established() === undefined, 20_000);
    const silentMs = performance.now() - lastHeard;
    await until(() => performance.now() - lastHeard > 25_000, longMs);
    source.signal('SIGCONT');
    const continued = performance.now();
    await until(established, 20_000);
    const backMs = performance.now() - continued;
    await until(() => sink.arrived().length === 2);

    console.log(
      `S16: closed ${(silentMs / 1000).toFixed(2)} s after the last byte, back ${(backMs / 1000).toFixed(2)} s after SIGCONT`,
    );
    expect(silentMs).toBeGreaterThan(14_000);
    expect(silentMs).toBeLessThan(16_000);
    expect(backMs).toBeLessThan(6_000); // 4 s, up to 1 s of jitter, 1 s
    expect(sink.arrived()).toEqual(['n-1', 'n-2']);
  });
});
