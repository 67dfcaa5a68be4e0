import { describe, expect, it } from 'vitest';
import { LiveproxyFile } from '../../../src/services/livestatus-proxy/schema.ts';
import { allowList, isAllowed } from '../../../src/services/livestatus-proxy/tcp-door.ts';
import { toSettings } from '../../../src/services/livestatus-proxy/to-settings.ts';

const settingsOf = async (site: object, defaults: object = {}) => {
  const file = LiveproxyFile.parse({ run_dir: '/run/x', defaults, sites: { s: { socket: 'tcp:h:1', ...site } } });
  const [only] = (await toSettings(file, '/')).sites;
  if (only === undefined) throw new Error('no site');
  return only;
};

describe('the settings of a site', () => {
  it('have the defaults that the first draft of the proxy gave', async () => {
    const site = await settingsOf({});

    expect(site.channels).toEqual({ channels: 10, forced: null, workers: null });
    expect(site.waitMs).toBe(5_000);
    expect(site.heartbeat).toEqual({ intervalMs: 3_000, timeout: { percent: 50 }, retryMs: 4_000 });
    expect(site.queryTimeoutMs).toBe(120_000);
    expect(site.cache).toBeNull();
    expect(site.socket).toEqual({ path: '/run/x/liveproxy/s', mode: 0o660, user: null, group: null });
  });

  it("may have Checkmk's names", async () => {
    const ours = { number_of_channels: 7, wait_for_free_channel: 3, maximum_response_time: 60 };
    const theirs = { channels: 7, channel_timeout: 3, query_timeout: 60 };

    expect(await settingsOf(theirs)).toEqual(await settingsOf(ours));
    expect((await settingsOf({ heartbeat: [5, 2] })).heartbeat).toEqual({
      intervalMs: 5_000,
      timeout: { ms: 2_000 },
      retryMs: 4_000,
    });
  });

  it('win over the defaults of all sites, whichever name each was given', async () => {
    expect((await settingsOf({ channels: 3 }, { number_of_channels: 20 })).channels.channels).toBe(3);
    expect((await settingsOf({}, { channels: 20 })).channels.channels).toBe(20);
    expect((await settingsOf({ heartbeat_interval: 7 }, { heartbeat: [5, 2] })).heartbeat.timeout).toEqual({ percent: 50 });
  });

  it.each([
    [{ channels: 3, number_of_channels: 3 }, 'says the same as number_of_channels'],
    [{ socket: 'h:1' }, 'expected unix:/path'],
    [{ socket: 'tcp:::1:6557' }, 'expected unix:/path'],
    [{ channels: 0 }, 'channels'],
    [{ tcp: { port: 6560 } }, 'only_from'],
    [{ chanels: 3 }, 'chanels'],
  ])('are refused: %j', (site, message) => {
    const read = LiveproxyFile.safeParse({ sites: { s: { socket: 'tcp:h:1', ...site } } });

    expect(JSON.stringify(read.error?.issues)).toContain(message);
  });

  it('reach IPv6 and UNIX sockets', async () => {
    expect((await settingsOf({ socket: 'tcp6:[::1]:6557' })).address).toEqual({
      kind: 'tcp',
      host: '::1',
      port: 6557,
      tls: null,
    });
    expect((await settingsOf({ socket: 'unix:/x y' })).address).toEqual({ kind: 'unix', path: '/x y' });
  });
});

describe('the allow list of a TCP door', () => {
  it('lets in whom it names, under both spellings of an IPv4 address', () => {
    const list = allowList(['10.1.0.0/16', '192.168.7.7', '2001:db8::/32', '::1']);

    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '192.168.7.7', '2001:db8::7', '::1'])
      expect(isAllowed(list, address), address).toBe(true);
    for (const address of ['10.2.0.1', '192.168.7.8', '2001:db9::1', '', 'x'])
      expect(isAllowed(list, address), address).toBe(false);
  });

  it.each(['10.1.2', '10.0.0.0/33', '::/129', 'example.org', '10.0.0.0/'])('refuses %s', (entry) => {
    expect(() => allowList([entry])).toThrow(/no IP address or network/);
  });
});
