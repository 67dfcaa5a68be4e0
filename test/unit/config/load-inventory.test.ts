import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadInventory } from '../../../src/config/load-inventory.ts';

async function served(status: number, body: string, then: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((_, answer) => answer.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await then(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hosts.yaml`);
  } finally {
    server.close();
  }
}

describe('an inventory', () => {
  it('that comes with the product loads', async () => {
    const path = fileURLToPath(new URL('../../../pipelines/liveness', import.meta.url));

    const { hosts } = await loadInventory({ kind: 'files', path });

    expect([...hosts.keys()]).toEqual(['router1', 'web1', 'web2']);
    expect(hosts.get('web2')?.services.map(({ name }) => name)).toEqual(['uptime', 'cpu', 'memory']);
  });

  it('may be served over HTTP, as YAML or JSON', async () => {
    await served(200, '{"hosts": {"a": {"templates": ["base"]}}}', async (url) => {
      const { hosts } = await loadInventory({ kind: 'http', url, tokenFile: null });

      expect(hosts.get('a')?.services).toHaveLength(1);
    });
  });

  it.each([
    [200, 'hosts: { a: { groups: [nowhere] } }', /hosts\.yaml:1:\d+ hosts\.a\.groups: there is no group "nowhere"/],
    [500, '', /answered 500/],
    [200, `hosts: {} #${'x'.repeat(2_000_000)}`, /larger than/],
  ])('served with %i and what is wrong is refused with its address', async (status, body, message) => {
    await served(status, body, async (url) => {
      await expect(loadInventory({ kind: 'http', url, tokenFile: null })).rejects.toThrow(message);
    });
  });

  it('that is not there is told with its path', async () => {
    await expect(loadInventory({ kind: 'files', path: '/nowhere/at/all' })).rejects.toThrow('/nowhere/at/all:1:1 cannot be read');
  });
});
