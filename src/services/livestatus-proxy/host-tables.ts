import { type AnyTable, type Cell, type Column, columnsTable, table } from '../../core/livestatus/lql/table.ts';

/** A host that is expected to report, as whoever watches it says. Times are ISO 8601. */
export interface WatchedHost {
  readonly host: string;
  readonly address: string;
  readonly groups: readonly string[];
  readonly parents: readonly string[];
  /** `pending`, `ok`, `unreachable`, `maintenance`, `problem`. */
  readonly status: string;
  readonly since: string;
  readonly reason: string;
  readonly flapping: boolean;
  /** Null while it is not down. Not told: `held`, `silenced`, `attached` (it is down because a parent is); told: `told`, `stormed`. */
  readonly told: string | null;
  readonly services: readonly {
    readonly service: string;
    readonly intervalSeconds: number;
    /** Seconds of partition time since its last report, by the last commit; null: it never reported. */
    readonly silentSeconds: number | null;
    readonly lateSince: string | null;
  }[];
  readonly triggers: readonly { readonly trigger: string; readonly severity: string; readonly firedSince: string | null }[];
}

export interface AboutUs {
  readonly version: string;
  /** Unix time. */
  readonly startedAt: number;
  /** Unix time of these hosts. */
  readonly seenAt: number;
}

interface HostRow {
  readonly of: WatchedHost;
  /** Nagios': 0 up, 1 down, 2 unreachable behind a parent that is down. */
  readonly state: number;
  readonly output: string;
  readonly services: readonly ServiceRow[];
  readonly children: readonly string[];
  readonly seenAt: number;
}

interface ServiceRow {
  readonly name: string;
  /** 0 ok, 1 warning, 2 critical. */
  readonly state: number;
  readonly checked: boolean;
  readonly output: string;
  /** Unix time; 0: not known. */
  readonly changedAt: number;
  readonly checkedAt: number;
  readonly intervalSeconds: number;
}

interface GroupRow {
  readonly name: string;
  readonly hosts: readonly HostRow[];
}

interface Change {
  readonly at: number;
  readonly host: HostRow;
  readonly service: ServiceRow | null;
}

/**
 * Hosts that report, as a Livestatus site: what is silent or has fired is a service of its host, and a host is down as long as it is told, or would be, that it is.
 * Nobody is a contact of a host here, so with `AuthUser` nobody sees any.
 */
export function hostTables(hosts: readonly WatchedHost[], about: AboutUs): readonly AnyTable[] {
  const rows = hostRows(hosts, about.seenAt);
  const services = rows.flatMap((host) => host.services.map((service) => ({ host, service })));
  const visibleTo = () => false;
  const tables: AnyTable[] = [
    table<AboutUs>({ name: 'status', columns: statusColumns(rows.length, services.length), rows: () => [about] }),
    table<HostRow>({ name: 'hosts', columns: hostColumns, rows: () => rows, visibleTo }),
    table<{ readonly host: HostRow; readonly service: ServiceRow }>({
      name: 'services',
      columns: serviceColumns,
      rows: () => services,
      visibleTo,
    }),
    table<GroupRow>({ name: 'hostgroups', columns: groupColumns, rows: () => groupRows(rows), visibleTo }),
    table<Change>({ name: 'log', columns: logColumns, rows: () => changes(rows), visibleTo }),
  ];
  const all: readonly AnyTable[] = [...tables, columnsTable(() => all)];
  return all;
}

function hostRows(hosts: readonly WatchedHost[], seenAt: number): readonly HostRow[] {
  const children = new Map<string, string[]>();
  for (const { host, parents } of hosts)
    for (const parent of parents) children.set(parent, [...(children.get(parent) ?? []), host]);
  return hosts.map((of) => ({
    of,
    state: stateOf(of),
    output: of.reason === '' ? of.status : `${of.status}: ${of.reason}`,
    services: [
      ...of.services.map((each) => reporting(each, unixOf(of.since), seenAt)),
      ...of.triggers.map((each) => firing(each, seenAt)),
    ],
    children: children.get(of.host) ?? [],
    seenAt,
  }));
}

function stateOf({ status, told }: WatchedHost): number {
  if (told === 'attached') return 2;
  return told !== null || status === 'unreachable' ? 1 : 0;
}

function reporting(
  { service, intervalSeconds, silentSeconds, lateSince }: WatchedHost['services'][number],
  since: number,
  seenAt: number,
): ServiceRow {
  const late = lateSince !== null;
  const last = silentSeconds === null ? 'no report yet' : `last report ${silentSeconds} s ago`;
  return {
    name: service,
    state: late ? 2 : 0,
    checked: late || silentSeconds !== null,
    output: `${late ? 'late: ' : ''}${last}, expected every ${intervalSeconds} s`,
    changedAt: late ? unixOf(lateSince) : since,
    checkedAt: silentSeconds === null ? 0 : seenAt - silentSeconds,
    intervalSeconds,
  };
}

function firing({ trigger, severity, firedSince }: WatchedHost['triggers'][number], seenAt: number): ServiceRow {
  const fired = firedSince !== null;
  return {
    name: `trigger ${trigger}`,
    state: fired ? (severity === 'warning' ? 1 : 2) : 0,
    checked: true,
    output: fired ? `has fired (${severity})` : 'has not fired',
    changedAt: fired ? unixOf(firedSince) : 0,
    checkedAt: seenAt,
    intervalSeconds: 0,
  };
}

function groupRows(rows: readonly HostRow[]): readonly GroupRow[] {
  const groups = new Map<string, HostRow[]>();
  for (const row of rows) for (const name of row.of.groups) groups.set(name, [...(groups.get(name) ?? []), row]);
  return [...groups].map(([name, hosts]) => ({ name, hosts })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The last change of each host and service, newest first. */
function changes(rows: readonly HostRow[]): readonly Change[] {
  const all = rows.flatMap((host): Change[] => [
    { at: unixOf(host.of.since), host, service: null },
    ...host.services.filter(({ state }) => state > 0).map((service) => ({ at: service.changedAt, host, service })),
  ]);
  return all.sort((a, b) => b.at - a.at);
}

const text = <Row>(name: string, description: string, value: (row: Row) => string): Column<Row> => ({
  ...{ name, description, value },
  type: 'string',
});
const number = <Row>(name: string, description: string, value: (row: Row) => number): Column<Row> => ({
  ...{ name, description, value },
  type: 'int',
});
const time = <Row>(name: string, description: string, value: (row: Row) => number): Column<Row> => ({
  ...{ name, description, value },
  type: 'time',
});
const list = <Row>(name: string, description: string, value: (row: Row) => Cell): Column<Row> => ({
  ...{ name, description, value },
  type: 'list',
});
/** What a monitoring core has and we have not. */
const fixed = (names: Readonly<Record<string, number>>): readonly Column<unknown>[] =>
  Object.entries(names).map(([name, value]) => number<unknown>(name, `Always ${value} here`, () => value));
const nobody = list<unknown>('contacts', 'Nobody', () => []);

const statusColumns = (hosts: number, services: number): readonly Column<AboutUs>[] => [
  text('livestatus_version', 'What answers', ({ version }) => `ceilograph ${version}`),
  text('program_version', 'The version of the program', ({ version }) => version),
  time('program_start', 'When it started (Unix time)', ({ startedAt }) => startedAt),
  time('last_log_rotation', 'There is none', () => 0),
  number('nagios_pid', 'Its process', () => process.pid),
  number('num_hosts', 'Hosts that are watched', () => hosts),
  number('num_services', 'Their services and triggers', () => services),
  ...fixed({ enable_notifications: 1, execute_host_checks: 0, execute_service_checks: 0, accept_passive_host_checks: 1 }),
];

const hostColumns: readonly Column<HostRow>[] = [
  text('name', 'The name', ({ of }) => of.host),
  text('alias', 'The same', ({ of }) => of.host),
  text('display_name', 'The same', ({ of }) => of.host),
  text('address', 'Where it is', ({ of }) => of.address),
  number('state', '0 up, 1 down, 2 a parent is down', ({ state }) => state),
  number('hard_state', 'The same', ({ state }) => state),
  number('has_been_checked', '1 after the first report', ({ of }) => (of.status === 'pending' ? 0 : 1)),
  text('plugin_output', 'Status and reason', ({ output }) => output),
  time('last_state_change', 'Since when (Unix time)', ({ of }) => unixOf(of.since)),
  time('last_hard_state_change', 'The same', ({ of }) => unixOf(of.since)),
  time('last_check', 'Its newest report (Unix time)', ({ services }) => most(services.map(({ checkedAt }) => checkedAt))),
  number('scheduled_downtime_depth', '1 in maintenance', ({ of }) => (of.status === 'maintenance' ? 1 : 0)),
  number('is_flapping', '1 while it goes to and fro', ({ of }) => (of.flapping ? 1 : 0)),
  list('groups', 'The groups it is in', ({ of }) => of.groups),
  list('parents', 'What it is reached through', ({ of }) => of.parents),
  list('childs', 'What is reached through it', ({ children }) => children),
  list('services', 'Services and triggers', ({ services }) => services.map(({ name }) => name)),
  list('services_with_state', 'Each with state and whether it was checked', ({ services }) =>
    services.map(({ name, state, checked }) => [name, state, checked ? 1 : 0]),
  ),
  ...serviceCounts<HostRow>(({ services }) => services),
  number('worst_service_state', 'The worst state of its services', ({ services }) => most(services.map(({ state }) => state))),
  ...fixed({ state_type: 1, acknowledged: 0, checks_enabled: 0, active_checks_enabled: 0, accept_passive_checks: 1 }),
  ...fixed({ notifications_enabled: 1, in_notification_period: 1, current_attempt: 1, max_check_attempts: 1 }),
  nobody,
];

const serviceColumns: readonly Column<{ readonly host: HostRow; readonly service: ServiceRow }>[] = [
  text('description', 'The name of the service, or of the trigger', ({ service }) => service.name),
  text('display_name', 'The same', ({ service }) => service.name),
  number('state', '0 ok, 1 warning, 2 critical', ({ service }) => service.state),
  number('hard_state', 'The same', ({ service }) => service.state),
  number('last_hard_state', 'The same', ({ service }) => service.state),
  number('has_been_checked', '1 after the first report', ({ service }) => (service.checked ? 1 : 0)),
  text('plugin_output', 'How long it has been silent', ({ service }) => service.output),
  time('last_state_change', 'Since when (Unix time)', ({ service }) => service.changedAt),
  time('last_check', 'Its newest report (Unix time)', ({ service }) => service.checkedAt),
  number('check_interval', 'How often it should report, in seconds', ({ service }) => service.intervalSeconds),
  number('scheduled_downtime_depth', '1 while its host is in maintenance', ({ host }) =>
    host.of.status === 'maintenance' ? 1 : 0,
  ),
  ...fixed({ state_type: 1, acknowledged: 0, checks_enabled: 0, active_checks_enabled: 0, accept_passive_checks: 1 }),
  ...fixed({ notifications_enabled: 1, in_notification_period: 1, current_attempt: 1, max_check_attempts: 1 }),
  nobody,
  ...hostColumns.map((column) => ({ ...column, name: `host_${column.name}`, value: of(column) })),
];

const groupColumns: readonly Column<GroupRow>[] = [
  text('name', 'The name', ({ name }) => name),
  text('alias', 'The same', ({ name }) => name),
  list('members', 'Its hosts', ({ hosts }) => hosts.map((host) => host.of.host)),
  list('members_with_state', 'Each with state and whether it was checked', ({ hosts }) =>
    hosts.map((host) => [host.of.host, host.state, host.of.status === 'pending' ? 0 : 1]),
  ),
  number('num_hosts', 'How many hosts', ({ hosts }) => hosts.length),
  number('num_hosts_up', 'that are up', ({ hosts }) => count(hosts, (host) => host.state === 0 && host.of.status !== 'pending')),
  number('num_hosts_down', 'that are down', ({ hosts }) => count(hosts, (host) => host.state === 1)),
  number('num_hosts_unreach', 'behind a parent that is down', ({ hosts }) => count(hosts, (host) => host.state === 2)),
  number('num_hosts_pending', 'that have not reported yet', ({ hosts }) => count(hosts, ({ of }) => of.status === 'pending')),
  number('worst_host_state', 'The worst state of its hosts', ({ hosts }) => most(hosts.map(({ state }) => state))),
  ...serviceCounts<GroupRow>(({ hosts }) => hosts.flatMap(({ services }) => services)),
];

const logColumns: readonly Column<Change>[] = [
  time('time', 'When (Unix time)', ({ at }) => at),
  text('type', 'HOST ALERT or SERVICE ALERT', ({ service }) => `${service === null ? 'HOST' : 'SERVICE'} ALERT`),
  number('state', 'The state since', ({ host, service }) => (service ?? host).state),
  text('state_type', 'Always HARD', () => 'HARD'),
  text('host_name', 'The host', ({ host }) => host.of.host),
  text('service_description', 'The service; empty for the host itself', ({ service }) => service?.name ?? ''),
  text('plugin_output', 'What is said of it', ({ host, service }) => (service ?? host).output),
  text('message', 'All of that in one line', ({ at, host, service }) =>
    service === null
      ? `[${at}] HOST ALERT: ${host.of.host};${host.state};HARD;1;${host.output}`
      : `[${at}] SERVICE ALERT: ${host.of.host};${service.name};${service.state};HARD;1;${service.output}`,
  ),
  ...fixed({ class: 1, attempt: 1, lineno: 0 }),
];

function of<T>(column: Column<HostRow>): (row: { readonly host: HostRow } & T) => Cell {
  return ({ host }) => column.value(host);
}

function serviceCounts<Row>(servicesOf: (row: Row) => readonly ServiceRow[]): readonly Column<Row>[] {
  const counted = (name: string, what: string, matches: (service: ServiceRow) => boolean) =>
    number<Row>(name, what, (row) => count(servicesOf(row), matches));
  return [
    counted('num_services', 'How many services and triggers', () => true),
    counted('num_services_ok', 'that are well', ({ state, checked }) => checked && state === 0),
    counted('num_services_warn', 'that have fired as a warning', ({ state }) => state === 1),
    counted('num_services_crit', 'that are late or have fired', ({ state }) => state === 2),
    counted('num_services_pending', 'that have not reported yet', ({ checked }) => !checked),
  ];
}

function count<T>(all: readonly T[], matches: (one: T) => boolean): number {
  return all.reduce((total, one) => total + (matches(one) ? 1 : 0), 0);
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}

function unixOf(iso: string): number {
  return Math.floor(Date.parse(iso) / 1000);
}
