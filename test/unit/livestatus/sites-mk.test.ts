import { describe, expect, it } from 'vitest';
import { readLiteral } from '../../../src/core/livestatus/python-literal.ts';
import { readSites } from '../../../src/core/livestatus/sites-mk.ts';

const read = (config: string) => readSites(readLiteral(`{'s': ${config}}`), '/omd/live');

describe('a site of sites.mk', () => {
  it.each([
    ["{'socket': 'tcp:10.0.0.1:6557', 'proxy': {'params': None}}", { socket: 'tcp:10.0.0.1:6557' }],
    ["{'socket': ('tcp', {'address': ('h', 1), 'tls': ('plain_text', {})}), 'proxy': {}}", { socket: 'tcp:h:1' }],
    [
      "{'socket': ('tcp', {'address': ('h', 1), 'tls': ('encrypted', {'verify': False})}), 'proxy': {}}",
      { socket: 'tls:h:1', tls: { verify: false } },
    ],
    ["{'socket': ('tcp6', {'address': ('::1', 1)}), 'proxy': {}}", { socket: 'tcp:[::1]:1' }],
    ["{'socket': ('unix', {'path': '/x'}), 'proxy': {}}", { socket: 'unix:/x' }],
    ["{'socket': ('local', None), 'liveproxy': True}", { socket: 'unix:/omd/live' }],
    [
      "{'socket': ('proxy', {'socket': ('h', 1), 'channels': 7, 'heartbeat': (5, 2.0)})}",
      { socket: 'tcp:h:1', channels: 7, heartbeat: [5, 2] },
    ],
    ["{'socket': 'tcp:h:1', 'liveproxy': {'number_of_channels': 3}}", { socket: 'tcp:h:1', number_of_channels: 3 }],
    [
      "{'socket': 'tcp:h:1', 'proxy': {'params': {'query_timeout': 60.0}, 'cache': True, 'tcp': {'port': 6560, 'only_from': ['10.0.0.0/8']}}}",
      { socket: 'tcp:h:1', query_timeout: 60, cache: true, tcp: { port: 6560, only_from: ['10.0.0.0/8'] } },
    ],
  ])('%s goes through the proxy', (config, values) => {
    expect(read(config)).toEqual({ proxied: [{ id: 's', values }], skipped: [] });
  });

  it.each([
    ["{'socket': 'tcp:h:1', 'proxy': None}", 'does not use the proxy'],
    ["{'socket': 'tcp:h:1'}", 'does not use the proxy'],
    ["{'socket': 'tcp:h:1', 'proxy': {}, 'disabled': True}", 'disabled'],
    ["{'socket': ('disabled', None), 'proxy': {}}", 'of a kind'],
    ['7', 'no dict'],
  ])('%s is left out: %s', (config, why) => {
    const { proxied, skipped } = read(config);

    expect(proxied).toEqual([]);
    expect(skipped).toEqual([{ id: 's', why: expect.stringContaining(why) }]);
  });
});
