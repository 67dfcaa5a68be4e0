import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Site, until, uuids } from './rig.ts';

describe('two spoolers', () => {
  let source: Site;
  let sink: Site;

  beforeEach(async () => {
    source = await Site.make('east');
    sink = await Site.make('centre');
  });
  afterEach(async () => {
    await source.close();
    await sink.close();
  });

  it('move what is spooled from one site to the other, when the source dials', async () => {
    sink.start({ role: 'sink', tcp_server: { listen: 0 } });
    await source.put(...uuids(300));
    source.start({ role: 'source', tcp_client: { servers: [{ address: '127.0.0.1', port: await sink.port() }] } });

    await until(() => sink.arrived().length === 300);
    await until(() => source.place.spool.stats().new.count === 0);

    expect(sink.arrived()).toEqual(uuids(300));
  });

  it('move it the same when the sink dials the source', async () => {
    source.start({ role: 'source', tcp_server: { listen: 0 } });
    sink.start({ role: 'sink', tcp_client: { servers: [{ address: '127.0.0.1', port: await source.port() }] } });
    await until(() => source.spooler?.links.some((link) => link.established));

    await source.put(...uuids(300));

    await until(() => sink.arrived().length === 300);
    expect(sink.arrived()).toEqual(uuids(300));
  });
});
