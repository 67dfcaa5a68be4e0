import { describe, expect, it } from 'vitest';
import { echo, framed, rig } from '../../livestatus/rig.ts';

describe('a query through the proxy', () => {
  it('is answered with the bytes of the site, header and all when the client asks for it', async () => {
    await using lp = await rig();

    const answer = await lp.ask('GET hosts\nColumns: name\nResponseHeader: fixed16\n\n');

    expect(answer).toBe(framed(200, 'GET hosts\n'));
    expect(lp.site.queries).toEqual(['GET hosts\nColumns: name\nResponseHeader: fixed16\nKeepAlive: on\n']);
  });

  it('is answered without the header when the client did not ask for it', async () => {
    await using lp = await rig();

    expect(await lp.ask('GET hosts\n\n')).toBe('GET hosts\n');
  });

  it('waits until the site is known', async () => {
    await using lp = await rig({ down: true });
    const client = await lp.client();
    client.send('GET hosts\n\n');
    await lp.site.start();

    await lp.clock.advance(2_000);

    expect(await client.all()).toBe('GET hosts\n');
  });

  it('goes over a channel that is kept for the next one', async () => {
    await using lp = await rig({ site: { number_of_channels: 1 } });
    await lp.ready();

    for (let i = 0; i < 5; i++) await lp.ask('GET hosts\n\n');

    expect(lp.site.queries).toHaveLength(5);
    expect(lp.site.connections).toBeLessThanOrEqual(3); // first probe, kept probe, one channel
  });

  it('leaves no connection open to an Icinga, but for the next question of a burst', async () => {
    await using lp = await rig({ version: 'r2.13.6-1' });
    await lp.ready();
    const before = lp.site.connections;

    for (let i = 0; i < 5; i++) await lp.ask('GET hosts\n\n');

    expect(lp.site.connections - before).toBe(1);
    await lp.pass(() => lp.site.open.size === 0, 1_000);
  });

  it('shares two channels among many clients and leaves none out', async () => {
    await using lp = await rig({
      script: (request, socket, site) => void setTimeout(() => echo(request, socket, site), 1),
      version: 'r2.13.6-1',
    });
    await lp.ready();

    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => lp.ask(`GET t${i}\n\n`)));

    expect(answers).toEqual(Array.from({ length: 50 }, (_, i) => `GET t${i}\n`));
    expect(lp.site.mostOpen).toBeLessThanOrEqual(3); // two channels and a heartbeat
  });
});
