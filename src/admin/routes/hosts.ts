import type { z } from 'zod';
import { type HostList, HostListShape, type HostNow, HostQuery, HostShape } from '../hosts.ts';
import { Refusal, type Route } from '../route.ts';

interface StoredHost extends Omit<HostNow, 'status' | 'groups' | 'parents' | 'services' | 'triggers'> {
  readonly status: string;
  readonly groups: readonly string[];
  readonly parents: readonly string[];
  readonly services: readonly object[];
  readonly triggers: readonly object[];
}

/** Hosts that are expected to report, as their partitions stored them last. */
export function hostRoutes(hosts: () => Promise<readonly StoredHost[]>): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/hosts',
      summary: 'Hosts with their status, services and triggers, and how many there are of each status.',
      query: HostQuery,
      answer: HostListShape,
      handle: async ({ query }, reply) => {
        const { limit, status, group, troubled } = query as z.infer<typeof HostQuery>;
        const all = await hosts();
        const wanted = all.filter(
          (each) => (status === undefined || each.status === status) && (group === undefined || each.groups.includes(group)),
        );
        const items = troubled === undefined ? wanted : worstFirst(wanted);
        return reply.send({ total: all.length, ...counted(all), items: items.slice(0, limit) });
      },
    },
    {
      method: 'GET',
      path: '/v1/hosts/:host',
      summary: 'One host.',
      answer: HostShape,
      problems: { 404: 'Nobody expects a host of this name.' },
      handle: async ({ params }, reply) => {
        const found = (await hosts()).find(({ host }) => host === params['host']);
        if (found === undefined) throw new Refusal(404, 'there is no host of this name');
        return reply.send(found);
      },
    },
  ];
}

const worst = ['unreachable', 'problem', 'maintenance', 'pending'];

/** Of one status the latest first. */
function worstFirst(hosts: readonly StoredHost[]): readonly StoredHost[] {
  return hosts
    .filter(({ status }) => status !== 'ok')
    .sort((a, b) => worst.indexOf(a.status) - worst.indexOf(b.status) || (a.since < b.since ? 1 : -1));
}

function counted(hosts: readonly StoredHost[]): Pick<HostList, 'byStatus' | 'byGroup'> {
  const byStatus: Record<string, number> = {};
  const byGroup = new Map<string, Record<string, number>>();
  for (const { status, groups } of hosts) {
    byStatus[status] = (byStatus[status] ?? 0) + 1;
    const name = groups[0] ?? '';
    const group = byGroup.get(name) ?? {};
    group[status] = (group[status] ?? 0) + 1;
    byGroup.set(name, group);
  }
  return { byStatus, byGroup: Object.fromEntries(byGroup) };
}
