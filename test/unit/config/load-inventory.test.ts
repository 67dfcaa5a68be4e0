import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inventoryLoader } from '../../../src/config/load-inventory.ts';

/** No database. */
const none = async () => [];

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

    const { hosts } = await inventoryLoader({ kind: 'files', path }, none)();

    expect([...hosts.keys()]).toEqual(['router1', 'web1', 'web2']);
    expect(hosts.get('web2')?.services.map(({ name }) => name)).toEqual(['uptime', 'cpu', 'memory']);
  });

  it('may be served over HTTP, as YAML or JSON', async () => {
    await served(200, '{"hosts": {"a": {"templates": ["base"]}}}', async (url) => {
      const { hosts } = await inventoryLoader({ kind: 'http', url, tokenFile: null }, none)();

      expect(hosts.get('a')?.services).toHaveLength(1);
    });
  });

  it.each([
    [200, 'hosts: { a: { groups: [nowhere] } }', /hosts\.yaml:1:\d+ hosts\.a\.groups: there is no group "nowhere"/],
    [500, '', /answered 500/],
    [200, `hosts: {} #${'x'.repeat(2_000_000)}`, /larger than/],
  ])('served with %i and what is wrong is refused with its address', async (status, body, message) => {
    await served(status, body, async (url) => {
      await expect(inventoryLoader({ kind: 'http', url, tokenFile: null }, none)()).rejects.toThrow(message);
    });
  });

  it('may be rows of a database, and what is wrong there is told with its place', async () => {
    const source = {
      kind: 'sql',
      url: 'postgresql://user:secret@db/cmdb',
      passwordFile: null,
      query: 'q',
      update: null,
    } as const;
    const rows = [
      { kind: 'group', name: 'web', definition: { templates: ['base'] } },
      { kind: 'host', name: 'a', definition: { groups: ['web'] } },
      { kind: 'host', name: 'b', definition: null },
    ];

    expect((await inventoryLoader(source, async () => rows)()).hosts.get('a')?.services).toHaveLength(1);
    const wrong = [
      ...rows,
      { kind: 'hots', name: 'c', definition: {} },
      { kind: 'host', name: 'd', definition: { groups: ['wbe'] } },
    ];
    const failed = inventoryLoader(source, async () => wrong)();
    await expect(failed).rejects.toThrow(/expected template, group or host/);
    await expect(failed).rejects.toThrow(/hosts\.d\.groups: there is no group "wbe"/);
    await expect(failed).rejects.not.toThrow(/secret/);
  });

  it('is the same object until something else is written there, and what was refused is looked at again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'inventory-'));
    const write = (text: string) => writeFile(join(folder, 'hosts.yaml'), text);
    await write('hosts: { a: { templates: [base] } }');
    const load = inventoryLoader({ kind: 'files', path: folder }, none);
    const first = await load();

    expect(await load()).toBe(first);
    await write('hosts: { a: { templates: [bsae] } }');
    await expect(load()).rejects.toThrow(/hosts\.yaml:1:\d+ hosts\.a\.templates: there is no template "bsae"/);
    await expect(load()).rejects.toThrow(/bsae/);
    await write('hosts: { b: {} }');
    expect([...(await load()).hosts.keys()]).toEqual(['b']);
    await rm(folder, { recursive: true });
  });

  it('that is not there is told with its path', async () => {
    await expect(inventoryLoader({ kind: 'files', path: '/nowhere/at/all' }, none)()).rejects.toThrow(
      '/nowhere/at/all:1:1 cannot be read',
    );
  });
});
