import { type AnyTable, type Column, columnsTable, table } from '../../core/livestatus/lql/table.ts';
import type { Clock } from '../../lib/clock.ts';
import type { LivestatusProxy } from './proxy.ts';
import type { ServedSite } from './served-site.ts';
import { formatAddress } from './settings.ts';

/**
 * What this process knows, as a Livestatus site: `status`, `columns`, and the sites of the proxy, as table `sites` (as LMD names it) and as
 * `hosts`, so that tools which know hosts only can show them: up (0) while a site answers its heartbeats, down (1) while not.
 */
export function ownTables(proxy: LivestatusProxy, clock: Clock, version: string): readonly AnyTable[] {
  const startedAt = Math.floor(clock.now() / 1000);
  const rows = () => proxy.sites;
  // Sites have no contacts, so nobody is one.
  const visibleTo = () => false;
  const tables: AnyTable[] = [
    table<LivestatusProxy>({
      name: 'status',
      columns: [
        text('livestatus_version', 'What answers', () => `ceilograph ${version}`),
        text('program_version', 'The version of the program', () => version),
        number('program_start', 'When it started (Unix time)', () => startedAt, 'time'),
        number('nagios_pid', 'Its process', () => process.pid),
        number('num_hosts', 'Sites of the proxy', (each) => each.sites.length),
        number('num_services', 'There are none', () => 0),
        number('connections', 'Requests answered since it started', (each) =>
          sum(each.sites, (served) => served.site.counts.answered),
        ),
        number('requests', 'The same', (each) => sum(each.sites, (served) => served.site.counts.answered)),
      ],
      rows: () => [proxy],
    }),
    table<ServedSite>({ name: 'sites', columns: siteColumns(clock), rows, visibleTo }),
    table<ServedSite>({ name: 'hosts', columns: hostColumns(clock), rows, visibleTo }),
  ];
  const all: readonly AnyTable[] = [...tables, columnsTable(() => all)];
  return all;
}

function siteColumns(clock: Clock): readonly Column<ServedSite>[] {
  return [
    text('key', 'The name of the site', (served) => served.site.id),
    text('name', 'The name of the site', (served) => served.site.id),
    text('addr', 'Where its Livestatus answers', (served) => formatAddress(served.settings.address)),
    number(
      'status',
      '0 answers, 2 does not, 1 not known yet',
      (served) => ({ ready: 0, suspect: 0, starting: 1, dead: 2 })[served.site.heartbeat.beat.verdict],
    ),
    text('last_error', 'Why it last did not answer', (served) => served.site.lastFailure?.error ?? ''),
    number('last_online', 'When it was last heard (Unix time)', (served) => heardAt(served, clock), 'time'),
    number('queries', 'Requests answered', (served) => served.site.counts.answered),
    number('refused', 'Requests answered by the proxy with an error', (served) => served.site.counts.refused),
    number(
      'response_time',
      'Seconds that its heartbeat usually takes',
      (served) => (served.site.heartbeat.beat.typicalMs ?? 0) / 1000,
      'float',
    ),
    text('policy', 'How it is connected to', (served) => served.site.policy.mode),
    number('channels', 'Channels that may be in use at once', (served) => served.site.policy.cap),
    number('channels_busy', 'Channels in use', (served) => served.site.pool.busy),
    number('clients', 'Clients connected', (served) => served.clients.size),
    text('version', 'What the site says of itself', (served) => served.site.facts?.version ?? ''),
  ];
}

function hostColumns(clock: Clock): readonly Column<ServedSite>[] {
  const isUp = (served: ServedSite) => ['ready', 'suspect'].includes(served.site.heartbeat.beat.verdict);
  const list = (name: string, description: string): Column<ServedSite> => ({ name, type: 'list', description, value: () => [] });
  return [
    text('name', 'The name of the site', (served) => served.site.id),
    text('alias', 'The same', (served) => served.site.id),
    text('display_name', 'The same', (served) => served.site.id),
    text('address', 'Where its Livestatus answers', (served) => formatAddress(served.settings.address)),
    number('state', '0 up, 1 down', (served) => (isUp(served) ? 0 : 1)),
    number('hard_state', 'The same', (served) => (isUp(served) ? 0 : 1)),
    number('has_been_checked', '1 after the first heartbeat', (served) =>
      served.site.heartbeat.beat.verdict === 'starting' ? 0 : 1,
    ),
    text('plugin_output', 'The last error, or the version', (served) =>
      isUp(served) ? (served.site.facts?.version ?? '') : (served.site.lastFailure?.error ?? 'not known yet'),
    ),
    number('last_time_up', 'When it was last heard (Unix time)', (served) => heardAt(served, clock), 'time'),
    number(
      'latency',
      'Seconds that its heartbeat usually takes',
      (served) => (served.site.heartbeat.beat.typicalMs ?? 0) / 1000,
      'float',
    ),
    list('groups', 'Sites are in no group'),
    list('contacts', 'Sites have no contacts'),
  ];
}

function heardAt(served: ServedSite, clock: Clock): number {
  const ageMs = served.site.lastHeardAgeMs;
  return Number.isFinite(ageMs) ? Math.floor((clock.now() - ageMs) / 1000) : 0;
}

function text<Row>(name: string, description: string, value: (row: Row) => string): Column<Row> {
  return { name, type: 'string', description, value };
}

function number<Row>(
  name: string,
  description: string,
  value: (row: Row) => number,
  type: 'int' | 'float' | 'time' = 'int',
): Column<Row> {
  return { name, type, description, value };
}

function sum(sites: readonly ServedSite[], of: (served: ServedSite) => number): number {
  return sites.reduce((total, served) => total + of(served), 0);
}
