import { describe, expect, it } from 'vitest';
import { answerQuery } from '../../../src/core/livestatus/lql/answer.ts';
import { hostTables, type WatchedHost } from '../../../src/services/livestatus-proxy/host-tables.ts';

const noon = Date.parse('2026-01-01T12:00:00Z') / 1000;
const iso = (unix: number) => new Date(unix * 1000).toISOString();

function host(name: string, more: Partial<WatchedHost> = {}): WatchedHost {
  return {
    ...{ host: name, address: `${name}.test`, groups: ['web'], parents: [], status: 'ok', since: iso(noon - 600), reason: '' },
    ...{ flapping: false, told: null, services: [], triggers: [], ...more },
  };
}

const uptime = (silentSeconds: number | null, lateSince: string | null = null) => ({
  ...{ service: 'uptime', intervalSeconds: 60, silentSeconds, lateSince },
});

const hosts: readonly WatchedHost[] = [
  host('router', {
    status: 'unreachable',
    reason: 'uptime_late',
    told: 'told',
    since: iso(noon - 90),
    services: [uptime(180, iso(noon - 90))],
  }),
  host('behind', {
    status: 'unreachable',
    reason: 'uptime_late',
    told: 'attached',
    parents: ['router'],
    services: [uptime(200, iso(noon - 80))],
  }),
  host('well', { services: [uptime(12)], groups: ['web', 'db'] }),
  host('hot', {
    status: 'problem',
    services: [uptime(3), { ...uptime(400, iso(noon - 300)), service: 'backup' }],
    triggers: [
      { trigger: 'load', severity: 'warning', firedSince: iso(noon - 30) },
      { trigger: 'disk', severity: 'critical', firedSince: null },
    ],
  }),
  host('new', { status: 'pending', services: [uptime(null)], groups: [] }),
  host('never', { status: 'problem', reason: 'never_reported', told: 'held', groups: [] }),
  host('mended', { status: 'maintenance', services: [uptime(1_000)] }),
];

const ask = (...lines: readonly string[]) => {
  const answer = answerQuery(
    [...lines, 'OutputFormat: json'],
    hostTables(hosts, { version: '1.2.3', startedAt: noon - 3_600, seenAt: noon }),
  );
  expect(answer.code).toBe(200);
  return JSON.parse(answer.body) as unknown[][];
};

describe('hosts that report, asked by LQL', () => {
  it('are down while that is told of them, and unreachable behind a parent that is down', () => {
    expect(ask('GET hosts', 'Columns: name state has_been_checked scheduled_downtime_depth plugin_output')).toEqual([
      ['router', 1, 1, 0, 'unreachable: uptime_late'],
      ['behind', 2, 1, 0, 'unreachable: uptime_late'],
      ['well', 0, 1, 0, 'ok'],
      ['hot', 0, 1, 0, 'problem'],
      ['new', 0, 0, 0, 'pending'],
      ['never', 1, 1, 0, 'problem: never_reported'],
      ['mended', 0, 1, 1, 'maintenance'],
    ]);
  });

  it('have a service for each report and each trigger, with how long it has been silent', () => {
    expect(
      ask(
        'GET services',
        'Columns: host_name description state last_check last_state_change plugin_output',
        'Filter: host_name = hot',
      ),
    ).toEqual([
      ['hot', 'uptime', 0, noon - 3, noon - 600, 'last report 3 s ago, expected every 60 s'],
      ['hot', 'backup', 2, noon - 400, noon - 300, 'late: last report 400 s ago, expected every 60 s'],
      ['hot', 'trigger load', 1, noon, noon - 30, 'has fired (warning)'],
      ['hot', 'trigger disk', 0, noon, 0, 'has not fired'],
    ]);
  });

  it('are counted by group', () => {
    const counts = 'num_hosts num_hosts_up num_hosts_down num_hosts_unreach num_hosts_pending num_services_crit worst_host_state';
    expect(ask('GET hostgroups', `Columns: name members ${counts}`)).toEqual([
      ['db', ['well'], 1, 1, 0, 0, 0, 0, 0],
      ['web', ['router', 'behind', 'well', 'hot', 'mended'], 5, 3, 1, 1, 0, 3, 2],
    ]);
  });

  it('are counted by Stats, as a page of a monitoring tool asks', () => {
    expect(ask('GET hosts', 'Stats: state = 0', 'Stats: state = 1', 'Stats: state = 2')).toEqual([[4, 2, 1]]);
    expect(ask('GET services', 'Stats: state = 2', 'Stats: host_state = 0', 'StatsAnd: 2')).toEqual([[1]]);
  });

  it('say what is behind them and what they are reached through', () => {
    expect(ask('GET hosts', 'Columns: name parents childs services_with_state', 'Filter: name ~ router|behind')).toEqual([
      ['router', [], ['behind'], [['uptime', 2, 1]]],
      ['behind', ['router'], [], [['uptime', 2, 1]]],
    ]);
  });

  it('have their last changes in the log, newest first', () => {
    const [newest, ...older] = ask('GET log', 'Columns: time host_name service_description state type message');

    expect(newest).toEqual([
      noon - 30,
      'hot',
      'trigger load',
      1,
      'SERVICE ALERT',
      `[${noon - 30}] SERVICE ALERT: hot;trigger load;1;HARD;1;has fired (warning)`,
    ]);
    expect(older.map(([time]) => time)).toEqual([...older.map(([time]) => time)].sort((a, b) => Number(b) - Number(a)));
    expect(ask('GET log', 'Columns: host_name', `Filter: time >= ${noon - 100}`, 'Filter: type = HOST ALERT')).toEqual([
      ['router'],
    ]);
  });

  it('are nobody’s, so a user sees none of them', () => {
    expect(ask('GET hosts', 'Columns: name', 'AuthUser: somebody')).toEqual([]);
    expect(ask('GET status', 'Columns: livestatus_version num_hosts num_services')).toEqual([['ceilograph 1.2.3', 7, 9]]);
  });

  it('are said in the table of columns with what each means', () => {
    const columns = ask('GET columns', 'Columns: table name type description');

    expect(columns).toContainEqual(['services', 'host_address', 'string', 'Where it is']);
    expect(new Set(columns.map(([table]) => table))).toEqual(
      new Set(['status', 'hosts', 'services', 'hostgroups', 'log', 'columns']),
    );
    expect(columns.filter(([, , , description]) => description === '')).toEqual([]);
  });
});
