import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Health } from '../../../src/admin/health.ts';
import type { HostList, HostNow } from '../../../src/admin/hosts.ts';
import { hostRoutes } from '../../../src/admin/routes/hosts.ts';
import { type Admin, startAdmin } from '../../../src/admin/server.ts';

const host = (name: string, status: HostNow['status'], minute: number, group = 'web'): HostNow => ({
  ...{ host: name, address: '192.0.2.1', groups: [group], parents: [], status, reason: '', incident: null },
  ...{ since: `2026-11-21T10:${minute}:00.000Z`, flapping: false, maintainedUntil: null, told: null, services: [], triggers: [] },
});
const hosts = [
  host('a', 'ok', 10),
  host('b', 'pending', 11),
  host('c', 'unreachable', 12, 'db'),
  host('d', 'problem', 13),
  host('e', 'unreachable', 14),
];

let admin: Admin;
beforeEach(async () => {
  admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    token: null,
    health: new Health(),
    version: '1.2.3',
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    status: async () => null,
    routes: hostRoutes(async () => hosts),
  });
});
afterEach(() => admin.close());

const list = async (query: string) => (await (await fetch(`${admin.address}/v1/hosts?${query}`)).json()) as HostList;
const names = ({ items }: HostList) => items.map(({ host: name }) => name);

describe('hosts', () => {
  it('are counted by status and by group, whichever of them are asked for', async () => {
    const answer = await list('status=ok');

    expect(names(answer)).toEqual(['a']);
    expect(answer).toMatchObject({
      total: 5,
      byStatus: { ok: 1, pending: 1, problem: 1, unreachable: 2 },
      byGroup: { web: { ok: 1, pending: 1, problem: 1, unreachable: 1 }, db: { unreachable: 1 } },
    });
    expect(names(await list('group=db'))).toEqual(['c']);
  });

  it('that are not well come the worst first, of one status the latest first', async () => {
    expect(names(await list('troubled=true'))).toEqual(['e', 'c', 'd', 'b']);
    expect(names(await list('troubled=true&limit=1'))).toEqual(['e']);
    expect((await fetch(`${admin.address}/v1/hosts?troubled=perhaps`)).status).toBe(400);
  });

  it('are had one by one, and who is not expected is not there', async () => {
    expect(await (await fetch(`${admin.address}/v1/hosts/d`)).json()).toMatchObject({ host: 'd', status: 'problem' });
    expect((await fetch(`${admin.address}/v1/hosts/nobody`)).status).toBe(404);
  });
});
