import { describe, expect, it } from 'vitest';
import { answerQuery } from '../../../src/core/livestatus/lql/answer.ts';
import { type AnyTable, columnsTable, table } from '../../../src/core/livestatus/lql/table.ts';

interface Host {
  readonly name: string;
  readonly state: number;
  readonly latency: number;
  readonly groups: readonly string[];
  readonly owner: string;
}

const hosts: readonly Host[] = [
  { name: 'web1', state: 0, latency: 0.5, groups: ['all', 'Web'], owner: 'ann' },
  { name: 'web2', state: 1, latency: 1.5, groups: ['all', 'Web'], owner: 'ben' },
  { name: 'db1', state: 2, latency: 2, groups: ['all'], owner: 'ann' },
  { name: 'Größe;"1"', state: 0, latency: 0, groups: [], owner: '' },
];
const column = (name: keyof Host, type: 'string' | 'int' | 'float' | 'list') => ({
  name,
  type,
  description: `the ${name}`,
  value: (row: Host) => row[name],
});
const tables: readonly AnyTable[] = [
  table<Host>({
    name: 'hosts',
    columns: [column('name', 'string'), column('state', 'int'), column('latency', 'float'), column('groups', 'list')],
    rows: () => hosts,
    visibleTo: (row, user) => row.owner === user,
  }),
];
const all: readonly AnyTable[] = [...tables, columnsTable(() => all)];
const ask = (...lines: readonly string[]) => answerQuery(lines, all);
const names = (...lines: readonly string[]) =>
  ask('GET hosts', 'Columns: name', ...lines)
    .body.trimEnd()
    .split('\n')
    .join(' ');

describe('a question', () => {
  it.each([
    ['name = web1', 'web1'],
    ['name != web1', 'web2 db1 Größe;"1"'],
    ['name ~ ^web', 'web1 web2'],
    ['name ~ eb', 'web1 web2'],
    ['name !~ 1', 'web2'],
    ['name =~ WEB1', 'web1'],
    ['name ~~ WEB\\d$', 'web1 web2'],
    ['name ~~ \\S+RÖSSE|RÖßE', 'Größe;"1"'],
    ['name !~~ WEB', 'db1 Größe;"1"'],
    ['name < e', 'db1 Größe;"1"'],
    ['name >= web2', 'web2'],
    ['host_name = db1', 'db1'],
    ['state = 0', 'web1 Größe;"1"'],
    ['state >= 1', 'web2 db1'],
    ['state !>= 1', 'web1 Größe;"1"'],
    ['latency < 1.5', 'web1 Größe;"1"'],
    ['groups =', 'Größe;"1"'],
    ['groups !=', 'web1 web2 db1'],
    ['groups >= Web', 'web1 web2'],
    ['groups < Web', 'db1 Größe;"1"'],
    ['groups <= wEB', 'web1 web2'],
    ['groups > wEB', 'db1 Größe;"1"'],
    ['groups ~ ^W', 'web1 web2'],
    ['groups !~~ ^w', 'db1 Größe;"1"'],
    ['name =', ''],
  ])('with Filter: %s finds %s', (filter, found) => {
    expect(names(`Filter: ${filter}`)).toBe(found);
  });

  it.each([
    [['Filter: state = 0', 'Filter: state = 1', 'Or: 2'], 'web1 web2 Größe;"1"'],
    [['Filter: state = 0', 'Filter: name = web1'], 'web1'],
    [['Filter: state = 0', 'Filter: name = web1', 'And: 2', 'Negate:'], 'web2 db1 Größe;"1"'],
    [['Filter: name = db1', 'Filter: state = 0', 'Filter: state = 1', 'Or: 2'], ''],
    [['Or: 0'], ''],
    [['And: 0'], 'web1 web2 db1 Größe;"1"'],
    [['Limit: 2'], 'web1 web2'],
    [['Limit: 2', 'Offset: 1'], 'web2 db1'],
    [['Sort: state desc', 'Sort: name'], 'db1 web2 Größe;"1" web1'],
    [['Sort: latency'], 'Größe;"1" web1 web2 db1'],
    [['AuthUser: ann'], 'web1 db1'],
    [['AuthUser: nobody'], ''],
  ])('with %j finds %s', (headers, found) => {
    expect(names(...headers)).toBe(found);
  });

  it('counts and computes, for all rows or for each combination of columns', () => {
    expect(ask('GET hosts', 'Stats: state = 0', 'Stats: state != 0', 'Stats: sum latency').body).toBe('2;2;4\n');
    expect(
      ask('GET hosts', 'Stats: state = 0', 'Stats: name ~ web', 'StatsAnd: 2', 'Stats: state = 0', 'StatsNegate:').body,
    ).toBe('1;2\n');
    expect(ask('GET hosts', 'Filter: state > 9', 'Stats: max latency', 'Stats: avg latency', 'Stats: std latency').body).toBe(
      '0;0;0\n',
    );
    expect(ask('GET hosts', 'Columns: state', 'Stats: min latency', 'Stats: max latency').body).toBe(
      '0;0;0.5\n1;1.5;1.5\n2;2;2\n',
    );
    expect(ask('GET hosts', 'Columns: state', 'Filter: state > 9', 'Stats: state = 0').body).toBe('');
  });

  it.each([
    ['csv', 'name;state;groups\nweb1;0;all,Web\n'],
    ['json', '[["name","state","groups"],\n["web1",0,["all","Web"]]]\n'],
    ['python', '[["name","state","groups"],\n["web1",0,["all","Web"]]]\n'],
    ['wrapped_json', '{"columns":["name","state","groups"],"data":[["web1",0,["all","Web"]]],"total_count":1}\n'],
  ])('is answered as %s', (format, body) => {
    expect(
      ask('GET hosts', 'Columns: name state groups', 'Filter: name = web1', 'ColumnHeaders: on', `OutputFormat: ${format}`),
    ).toEqual({ code: 200, body });
  });

  it('is answered in ASCII as JSON, and with other separators as csv', () => {
    const last = ['Columns: name groups', 'Filter: groups ='];

    expect(ask('GET hosts', ...last, 'OutputFormat: json').body).toBe('[["Gr\\u00f6\\u00dfe;\\"1\\"",[]]]\n');
    expect(ask('GET hosts', 'Columns: name groups', 'Limit: 1', 'Separators: 33 44 58 59').body).toBe('web1,all:Web!');
  });

  it('without Columns has all of them, with heads', () => {
    expect(ask('GET hosts', 'Limit: 1').body).toBe('name;state;latency;groups\nweb1;0;0.5;all,Web\n');
    expect(ask('GET columns', 'Filter: table = hosts', 'Columns: name type').body).toBe(
      'name;string\nstate;int\nlatency;float\ngroups;list\n',
    );
  });

  it.each([
    [['GET nosuch'], 404, "no such table 'nosuch'"],
    [['GET hosts', 'Columns: nosuch'], 450, "no column 'nosuch'"],
    [['GET hosts', 'Filter: nosuch = 1'], 450, "no column 'nosuch'"],
    [['GET hosts', 'Filter: name'], 400, 'expected: column operator value'],
    [['GET hosts', 'Filter: name <> x'], 400, "Invalid operator '<>'"],
    [['GET hosts', 'Filter: state = x'], 400, 'needs a number'],
    [['GET hosts', 'Filter: state ~ 1'], 400, 'not for numbers'],
    [['GET hosts', 'Filter: groups = x'], 400, 'can only be compared with nothing'],
    [['GET hosts', 'Filter: name ~ ('], 400, 'Invalid regular expression'],
    [['GET hosts', 'Filter: name ~ a)(b'], 400, 'Invalid regular expression'],
    [['GET hosts', 'Or: 2'], 400, 'Or: 2 wanted, only 0 there'],
    [['GET hosts', 'Negate:'], 400, 'Negate: 1 wanted'],
    [['GET hosts', 'Stats: sum name'], 400, 'holds no numbers'],
    [['GET hosts', 'Stats: sum state', 'StatsNegate:'], 400, 'Only Stats that count'],
    [['GET hosts', 'Limit: x'], 400, 'expected a number'],
    [['GET hosts', 'OutputFormat: xml'], 400, "Invalid output format 'xml'"],
    [['GET hosts', 'Nonsense: 1'], 400, "Undefined request header 'Nonsense'"],
    [['GET hosts', 'nonsense'], 400, 'Invalid header'],
    [['GET hosts', 'WaitTrigger: all'], 400, 'nothing can be waited for here'],
  ])('%j is refused with %i: %s', (lines, code, message) => {
    expect(ask(...lines)).toEqual({ code, body: expect.stringContaining(message) });
  });

  it('cannot be made to search for ever', () => {
    const began = performance.now();
    const answer = ask('GET hosts', 'Columns: name', `Filter: name ~ ${'(?:(?:e*)*)*\\1?()'}${'(a?)'.repeat(20)}x`);

    expect([200, 400]).toContain(answer.code);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
