import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { events } from '../../../src/telemetry/events.ts';
import { metricsPage } from '../../../src/telemetry/metrics-page.ts';
import { readings } from '../../../src/telemetry/readings.ts';
import { createTelemetry } from '../../../src/telemetry/telemetry.ts';
import { projectDir } from '../house/biome.ts';

const ofTheProcess = /^ceilograph_(?:process|nodejs)_/;
const nothingRead = Object.fromEntries(Object.keys(readings).map((name) => [name, []])) as never;

describe('the page of metrics', () => {
  it('equals the code (npm run generate writes it)', () => {
    expect(readFileSync(join(projectDir, 'docs/reference/metrics.md'), 'utf8')).toBe(metricsPage());
  });

  it('names what is served, all of it and nothing else, each with its kind', async () => {
    const { text } = await createTelemetry({ level: 'silent', agent: 'a' }).scrape(nothingRead);
    const served = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].filter(([, name = '']) => !ofTheProcess.test(name));
    const named = [...metricsPage().matchAll(/^\| `(\S+)` \| (\S+) \|/gm)];

    expect(named.map(([, name, kind]) => `${name} ${kind}`).sort()).toEqual(
      served.map(([, name, kind]) => `${name} ${kind}`).sort(),
    );
    expect(named.length).toBeGreaterThan(30);
  });

  it('names metrics that follow the rules of their names', () => {
    for (const [name, { kind, help }] of Object.entries(readings)) {
      expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total')).toBe(kind === 'counter');
      expect(help).toMatch(/\.$/);
    }
  });
});

describe('metrics that are read', () => {
  it('are what they are now: who is gone has no line any more', async () => {
    const telemetry = createTelemetry({ level: 'silent', agent: 'a' });
    const epoch = (...partitions: readonly string[]) =>
      partitions.map((partition) => ({ labels: { sink: 's', partition }, value: 3 }));

    await telemetry.scrape({
      ...(nothingRead as object),
      received_total: [{ value: 5 }],
      partition_epoch: epoch('0', '1'),
    } as never);
    const { text } = await telemetry.scrape({
      ...(nothingRead as object),
      received_total: [{ value: 7 }],
      partition_epoch: epoch('1'),
    } as never);

    expect(text).toContain('\nceilograph_received_total 7\n');
    expect(text.split('\n').filter((line) => line.startsWith('ceilograph_partition_epoch'))).toEqual([
      'ceilograph_partition_epoch{sink="s",partition="1"} 3',
    ]);
  });
});

describe('the table of events', () => {
  it('has no row that nobody tells', () => {
    const files = readdirSync(join(projectDir, 'src'), { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && file !== join('telemetry', 'events.ts'),
    );
    const source = files.map((file) => readFileSync(join(projectDir, 'src', file), 'utf8')).join('\n');
    // An input's own events are told as `input:${kind}`.
    const untold = Object.keys(events).filter((name) => !name.startsWith('input:') && !source.includes(`'${name}'`));

    expect(untold).toEqual([]);
  });
});
