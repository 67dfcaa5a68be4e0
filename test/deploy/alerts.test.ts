import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { projectDir } from '../run/program.ts';
import { metricNames, namesIn } from './metric-names.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
interface Target {
  readonly expr: string;
}
interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly Target[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly definition?: string }[] };
  readonly annotations: { readonly list: readonly Target[] };
}

const folder = join(projectDir, 'deploy/prometheus');
const promtool = (...args: string[]) => promisify(execFile)(process.env['PROMTOOL'] ?? 'promtool', args, { cwd: folder });

let names: ReadonlySet<string>;
let rules: readonly Rule[];

beforeAll(async () => {
  names = await metricNames();
  const file = parse(await readFile(join(folder, 'alerts.yml'), 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly Rule[] }[];
  };
  rules = file.groups.flatMap((group) => group.rules);
});

describe('the alert rules', () => {
  it('are rules, in words that promtool knows, for a Prometheus that would start with them', async () => {
    await promtool('check', 'rules', 'alerts.yml');
    await promtool('check', 'config', '--syntax-only', 'prometheus.yml');
  });

  it('fire where they should and not where they should not, each of them', async () => {
    const tests = parse(await readFile(join(folder, 'alerts.test.yml'), 'utf8')) as {
      readonly tests: readonly {
        readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly object[] }[];
      }[];
    };
    const tried = tests.tests.flatMap(({ alert_rule_test }) => alert_rule_test);
    const of = (alert: string) => tried.filter(({ alertname }) => alertname === alert).map(({ exp_alerts }) => exp_alerts.length);

    await promtool('test', 'rules', 'alerts.test.yml');
    expect(rules.length).toBeGreaterThan(10);
    for (const { alert } of rules) expect(of(alert).sort(), alert).toEqual([0, 1]);
  });

  it('turn red when a threshold is another one', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'ceilograph-alerts-'));
    const text = await readFile(join(folder, 'alerts.yml'), 'utf8');
    await writeFile(
      join(copy, 'alerts.yml'),
      text.replace('ceilograph_mail_queue_fill > 0.8', 'ceilograph_mail_queue_fill > 0.95'),
    );
    await writeFile(join(copy, 'alerts.test.yml'), await readFile(join(folder, 'alerts.test.yml')));

    await expect(promtool('test', 'rules', join(copy, 'alerts.test.yml'))).rejects.toMatchObject({ code: 1 });
    await rm(copy, { recursive: true });
  });

  it('ask only for what /metrics prints', async () => {
    const asked = namesIn(rules.map(({ expr }) => expr).join('\n'));

    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((name) => !names.has(name))).toEqual([]);
  });

  it('have a runbook each, that names only metrics and pages that there are', async () => {
    const runbooks = join(projectDir, 'docs/runbooks');
    const pages = (await readdir(runbooks)).filter((name) => name !== 'README.md').sort();
    const index = await readFile(join(runbooks, 'README.md'), 'utf8');

    expect(pages).toEqual(rules.map(({ alert }) => `${alert}.md`).sort());
    for (const { alert, expr, labels, annotations } of rules) {
      const text = await readFile(join(runbooks, `${alert}.md`), 'utf8');
      expect(annotations['runbook_url']).toBe(`docs/runbooks/${alert}.md`);
      expect(labels['severity']).toMatch(/^(warning|critical)$/);
      expect(text, alert).toContain(`\n${expr}\n`);
      expect(index).toContain(`[${alert}](${alert}.md)`);
      expect(
        namesIn(text).filter((name) => !names.has(name)),
        alert,
      ).toEqual([]);
      for (const [page] of text.matchAll(/docs\/[\w-]+\.md/g)) await readFile(join(projectDir, page));
    }
  });
});

describe('the Grafana dashboard', () => {
  let dashboard: Dashboard;
  let queries: readonly string[];

  beforeAll(async () => {
    dashboard = JSON.parse(await readFile(join(projectDir, 'deploy/grafana/ceilograph.json'), 'utf8')) as Dashboard;
    queries = [...dashboard.panels.flatMap(({ targets = [] }) => targets), ...dashboard.annotations.list].map(({ expr }) => expr);
  });

  it('asks only for what /metrics prints', () => {
    const variables = dashboard.templating.list.map(({ definition = '' }) => definition);
    const asked = namesIn([...queries, ...variables].join('\n'));

    expect(asked.length).toBeGreaterThan(30);
    expect(asked.filter((name) => !names.has(name))).toEqual([]);
  });

  it('asks nothing that is no PromQL', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'ceilograph-queries-'));
    const check = (all: readonly string[]) => {
      const records = all.map((expr, index) => ({ record: `r${index}`, expr: expr.replaceAll('$__rate_interval', '5m') }));
      return writeFile(join(copy, 'rules.yml'), JSON.stringify({ groups: [{ name: 'queries', rules: records }] })).then(() =>
        promtool('check', 'rules', join(copy, 'rules.yml')),
      );
    };

    await check(queries);
    await expect(check([...queries, 'sum by (ceilograph_received_total'])).rejects.toMatchObject({ code: 1 });
    await rm(copy, { recursive: true });
  });

  it('has no panel without a query, and none over another', () => {
    for (const { title, type, targets = [] } of dashboard.panels) expect(targets.length > 0 || type === 'row', title).toBe(true);
    const places = dashboard.panels.map((panel) => JSON.stringify((panel as Panel & { readonly gridPos: object }).gridPos));
    expect(new Set(places).size).toBe(places.length);
  });
});
