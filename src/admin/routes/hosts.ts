import { z } from 'zod';
import { Refusal, type Route } from '../route.ts';

const HostShape = z
  .object({
    host: z.string(),
    address: z.string(),
    groups: z.array(z.string()),
    parents: z.array(z.string()),
    status: z.enum(['pending', 'ok', 'unreachable', 'maintenance', 'problem']),
    since: z.string(),
    reason: z.string(),
    incident: z.string().nullable(),
    flapping: z.boolean(),
    maintainedUntil: z.string().nullable(),
    told: z.string().nullable().describe('How it is told of while it is down: held, attached, silenced, told, stormed.'),
    services: z.array(
      z.object({
        service: z.string(),
        intervalSeconds: z.number(),
        toleranceSeconds: z.number(),
        silentSeconds: z.number().nullable(),
        lateSince: z.string().nullable(),
      }),
    ),
    triggers: z.array(z.object({ trigger: z.string(), severity: z.string(), firedSince: z.string().nullable() })),
  })
  .meta({ id: 'Host' });
type Host = z.infer<typeof HostShape>;

const Query = z.object({
  limit: z.coerce.number().int().min(1).max(10_000).default(100).describe('At most so many.'),
  status: HostShape.shape.status.optional(),
  group: z.string().optional(),
});

const List = z
  .object({
    total: z.int().describe('All hosts.'),
    byStatus: z.record(z.string(), z.int()),
    byGroup: z.record(z.string(), z.record(z.string(), z.int())).describe('Per first group, how many of each status.'),
    items: z.array(HostShape),
  })
  .meta({ id: 'HostList' });

interface StoredHost extends Omit<Host, 'status' | 'groups' | 'parents' | 'services' | 'triggers'> {
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
      query: Query,
      answer: List,
      handle: async ({ query }, reply) => {
        const { limit, status, group } = query as z.infer<typeof Query>;
        const all = await hosts();
        const wanted = all.filter(
          (each) => (status === undefined || each.status === status) && (group === undefined || each.groups.includes(group)),
        );
        return reply.send({ total: all.length, ...counted(all), items: wanted.slice(0, limit) });
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

function counted(hosts: readonly StoredHost[]): Pick<z.infer<typeof List>, 'byStatus' | 'byGroup'> {
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
