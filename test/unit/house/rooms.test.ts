import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LintReport, lint, projectDir } from './biome.ts';

const imports = 'lint/style/noRestrictedImports';
const pure = 'plugin';
const globals = 'lint/style/noRestrictedGlobals';
/** Five seconds of work that may share its cores. */
const busyMachineMs = 120_000;

/** One planted violation a row: where it stands, what it says, and the rule that must catch it. */
const planted: readonly (readonly [path: string, text: string, category: string])[] = [
  ['src/model/to-lib.ts', `import '../lib/clock.ts';`, imports],
  ['src/model/to-node.ts', `import 'node:fs';`, imports],
  ['src/model/to-package.ts', `import 'yaml';`, imports],
  ['src/lib/to-model.ts', `import '../model/faults.ts';`, imports],
  ['src/lib/to-core.ts', `import '../core/partition/x.ts';`, imports],
  ['src/lib/to-lmdb.ts', `import 'lmdb';`, imports],
  ['src/core/convert/to-lib.ts', `import '../../lib/clock.ts';`, imports],
  ['src/core/convert/to-node.ts', `import { join } from 'node:path';\nexport { join };`, imports],
  ['src/core/convert/to-package.ts', `import 'yaml';`, imports],
  ['src/core/convert/to-topics.ts', `export type { Topics } from '../../topics/topic.ts';`, imports],
  ['src/core/convert/lazily.ts', `export const lazily = () => import('../../inputs/registry.ts');`, imports],
  ['src/core/transformers/delta/to-sibling.ts', `import '../rate-of-change/index.ts';`, imports],
  ['src/core/transformers/delta/to-sibling-roundabout.ts', `import '../../transformers/rate-of-change/index.ts';`, imports],
  ['src/core/transformers/delta/to-state.ts', `import '../../../state/partition-store.ts';`, imports],
  ['src/core/transformers/delta/to-node.ts', `import 'node:crypto';`, imports],
  ['src/topics/to-adapter-of-another.ts', `import '../state/embedded/index.ts';`, imports],
  ['src/publishers/to-pipeline.ts', `import '../pipeline/worker.ts';`, imports],
  ['src/publishers/http/to-sibling.ts', `import '../amqp/index.ts';`, imports],
  ['src/inputs/file/to-sibling.ts', `import '../amqp/index.ts';`, imports],
  ['src/inputs/file/to-amqplib.ts', `import 'amqplib';`, imports],
  ['src/inputs/amqp/to-kafkajs.ts', `import 'kafkajs';`, imports],
  ['src/lib/to-kafkajs.ts', `import 'kafkajs';`, imports],
  ['src/agent/to-kafkajs.ts', `import 'kafkajs';`, imports],
  ['src/inputs/amqp/to-fastify.ts', `import 'fastify';`, imports],
  ['src/coordination/redis/to-ioredis.ts', `import 'ioredis';`, imports],
  ['src/state/redis/to-coordination-adapter.ts', `import '../../coordination/redis/open-redis.ts';`, imports],
  ['src/topics/amqp/to-ioredis.ts', `import 'ioredis';`, imports],
  ['src/state/embedded/to-lmdb.ts', `import 'lmdb';`, imports],
  ['src/state/embedded/to-topics-adapter.ts', `import '../../topics/embedded/index.ts';`, imports],
  ['src/state/embedded/to-lease-adapter.ts', `import '../../coordination/embedded/index.ts';`, imports],
  ['src/coordination/embedded/to-core.ts', `import '../../core/convert/to-samples.ts';`, imports],
  ['src/publishers/mail/to-queue.ts', `import '../../services/mail-queue/mail-queue.ts';`, imports],
  ['src/publishers/mail/to-sibling.ts', `import '../http/index.ts';`, imports],
  ['src/services/mail-queue/to-pipeline.ts', `import '../../pipeline/dead-letters.ts';`, imports],
  ['src/services/mail-queue/to-service.ts', `import '../spooler/service.ts';`, imports],
  ['src/services/mail-queue/to-nodemailer.ts', `import 'nodemailer';`, imports],
  ['src/config/to-adapter.ts', `import '../publishers/http/index.ts';`, imports],
  ['src/telemetry/to-core.ts', `import '../core/fault/decide.ts';`, imports],
  ['src/pipeline/to-adapter.ts', `import '../inputs/amqp/index.ts';`, imports],
  ['src/pipeline/to-agent.ts', `import '../agent/agent.ts';`, imports],
  ['src/pipeline/to-prom-client.ts', `import 'prom-client';`, imports],
  ['src/services/spooler/to-adapter.ts', `import '../../publishers/http/index.ts';`, imports],
  ['src/services/spooler/to-sibling.ts', `import '../other/service.ts';`, imports],
  ['src/services/spooler/to-pipeline.ts', `import '../../pipeline/worker.ts';`, imports],
  ['src/services/spooler/to-lmdb.ts', `import 'lmdb';`, imports],
  ['src/inputs/spool/to-pipeline.ts', `import '../../pipeline/worker.ts';`, imports],
  ['src/inputs/http/to-spooler.ts', `import '../../services/spooler/spool.ts';`, imports],
  ['src/services/livestatus-proxy/to-sibling.ts', `import '../spooler/x.ts';`, imports],
  ['src/services/livestatus-proxy/to-config.ts', `import '../../config/explain.ts';`, imports],
  ['src/services/livestatus-proxy/to-agent.ts', `import '../../agent/agent.ts';`, imports],
  ['src/testing/to-worker.ts', `import '../pipeline/worker.ts';`, imports],
  ['src/testing/to-agent.ts', `import '../agent/agent.ts';`, imports],
  ['src/testing/to-adapter.ts', `import '../publishers/stdout/index.ts';`, imports],
  ['src/testing/to-publisher.ts', `import '../publishers/registry.ts';`, imports],
  ['src/admin/to-pipeline.ts', `import '../pipeline/worker.ts';`, imports],
  ['src/page/to-agent.ts', `import '../agent/agent.ts';`, imports],
  ['src/page/to-server.ts', `import '../admin/server.ts';`, imports],
  ['src/agent/to-cli.ts', `import '../cli/failure.ts';`, imports],
  ['src/agent/to-amqplib.ts', `import 'amqplib';`, imports],
  ['src/cli/commands/to-amqplib.ts', `import 'amqplib';`, imports],
  ['src/somewhere-new/to-lmdb.ts', `import 'lmdb';`, imports],
  ['src/core/now.ts', 'export const now = () => Date.now();', pure],
  ['src/core/new-date.ts', 'export const today = () => new Date();', pure],
  ['src/core/new-date-bare.ts', 'export const today = () => new Date;', pure],
  ['src/core/date-call.ts', 'export const today = () => Date();', pure],
  ['src/core/random.ts', 'export const dice = () => Math.random();', pure],
  ['src/core/random-passed-on.ts', 'export const dice = Math.random;', pure],
  ['src/core/waits.ts', 'export async function waits(other: Promise<number>) {\n  return (await other) + 1;\n}', pure],
  [
    'src/core/waits-in-a-loop.ts',
    'export async function waits(all: AsyncIterable<number>) {\n  for await (const one of all) one.toFixed();\n}',
    pure,
  ],
  ['src/core/async.ts', 'export async function later() {\n  return 1;\n}', 'lint/suspicious/useAwait'],
  ['src/core/timer.ts', 'export const later = (work: () => void) => setTimeout(work, 1);', globals],
  ['src/core/environment.ts', 'export const home = () => process.env.HOME;', globals],
  ['src/core/talks.ts', `export const talks = () => console.log('x');`, globals],
  [
    'src/lib/floating.ts',
    'async function work(): Promise<void> {}\nexport function starts(): void {\n  work();\n}',
    'lint/nursery/noFloatingPromises',
  ],
  ['src/lib/default-export.ts', 'export default 1;', 'lint/style/noDefaultExport'],
  ['src/lib/BadlyCased.ts', 'export const cased = 1;', 'lint/style/useFilenamingConvention'],
  ['src/lib/an-enum.ts', 'export enum Colour {\n  Red,\n}', 'lint/style/noEnum'],
  ['src/lib/any.ts', 'export const loose: any = 1;', 'lint/suspicious/noExplicitAny'],
  ['src/lib/ring-a.ts', `import { b } from './ring-b.ts';\nexport const a = () => b;`, 'lint/suspicious/noImportCycles'],
  ['src/lib/ring-b.ts', `import { a } from './ring-a.ts';\nexport const b = () => a;`, 'lint/suspicious/noImportCycles'],
  ['test/only.test.ts', `import { it } from 'vitest';\nit.only('is alone', () => {});`, 'lint/suspicious/noFocusedTests'],
  ['test/skip.test.ts', `import { it } from 'vitest';\nit.skip('is left out', () => {});`, 'lint/suspicious/noSkippedTests'],
];

/** What must pass: the arrows that the house wants, and the pure half of `Date`. */
const allowed: readonly (readonly [path: string, text: string])[] = [
  ['src/model/leaf.ts', `import 'zod';\nimport './json.ts';\nimport 'xxhash-wasm';`],
  ['src/lib/leaf.ts', `import 'node:fs/promises';\nimport './clock.ts';`],
  ['src/lib/lmdb-environment.ts', `import 'lmdb';`],
  ['src/lib/kafka-client.ts', `import 'kafkajs';`],
  ['src/topics/kafka/inside.ts', `import 'kafkajs';\nimport '../../lib/kafka-client.ts';\nimport '../topic.ts';`],
  [
    'src/core/dates.ts',
    `export const parsed = () => [Date.parse('2024-01-01'), Date.UTC(2024), new Date(0).toISOString(), Math.max(1)];`,
  ],
  ['src/core/convert/inside.ts', `import 'zod';\nimport '../../model/json.ts';\nimport '../route/plan.ts';\nimport './path.ts';`],
  ['src/core/transformers/registry.ts', `import './delta/index.ts';\nimport './rate-of-change/index.ts';`],
  [
    'src/core/transformers/delta/inside.ts',
    `import 'zod';\nimport '../../../model/json.ts';\nimport '../../expression/parse.ts';\nimport '../transformer.ts';\nimport './state.ts';`,
  ],
  ['src/topics/port.ts', `import '../coordination/group.ts';\nimport '../lib/clock.ts';\nimport '../model/json.ts';`],
  [
    'src/inputs/amqp/inside.ts',
    `import 'amqplib';\nimport '../../core/fault/decide.ts';\nimport '../../lib/clock.ts';\nimport '../../model/json.ts';\nimport '../../telemetry/events.ts';\nimport '../input.ts';`,
  ],
  ['src/inputs/http/inside.ts', `import 'fastify';\nimport '../input.ts';`],
  ['src/state/embedded/inside.ts', `import '../../coordination/group.ts';\nimport '../../lib/lmdb-environment.ts';`],
  ['src/publishers/mail/inside.ts', `import '../../core/mail/x.ts';\nimport '../../model/json.ts';\nimport '../publisher.ts';`],
  [
    'src/services/mail-queue/inside.ts',
    `import 'node:net';\nimport '../../core/mail/x.ts';\nimport '../../telemetry/events.ts';`,
  ],
  ['src/services/mail-queue/compose.ts', `import 'nodemailer';`],
  ['src/config/inside.ts', `import 'yaml';\nimport '../core/convert/x.ts';\nimport '../publishers/registry.ts';`],
  ['src/telemetry/inside.ts', `import 'prom-client';\nimport '../model/json.ts';`],
  ['src/pipeline/inside.ts', `import '../core/convert/x.ts';\nimport '../inputs/input.ts';\nimport '../telemetry/events.ts';`],
  [
    'src/services/livestatus-proxy/inside.ts',
    `import 'node:net';\nimport '../../core/livestatus/request.ts';\nimport '../../lib/clock.ts';\nimport '../../telemetry/events.ts';\nimport './site.ts';`,
  ],
  [
    'src/testing/inside.ts',
    `import '../config/explain.ts';\nimport '../core/convert/x.ts';\nimport '../pipeline/mock-target.ts';\nimport '../pipeline/replay.ts';`,
  ],
  ['src/admin/inside.ts', `import 'fastify';\nimport '../telemetry/events.ts';`],
  ['src/page/inside.ts', `import type { Overview } from '../admin/overview.ts';\nexport type { Overview };`],
  ['src/agent/inside.ts', `import '../inputs/amqp/index.ts';\nimport '../pipeline/worker.ts';`],
  ['src/cli/commands/inside.ts', `import 'commander';\nimport '../../agent/agent.ts';\nimport '../failure.ts';`],
  ['src/cli/commands/send.ts', `import 'amqplib';`],
];

const caughtIn = (report: LintReport, path: string) =>
  report.diagnostics.filter((found) => found.location.path === path && found.severity === 'error').map((found) => found.category);

describe('the rules of the house', () => {
  let dir: string;
  let report: LintReport;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ceilograph-rooms-'));
    for (const name of ['biome.json', '.biome']) await cp(join(projectDir, name), join(dir, name), { recursive: true });
    for (const [path, text] of [...planted, ...allowed]) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), `${text}\n`);
    }
    report = await lint(dir, ['src', 'test']);
  }, busyMachineMs);

  afterAll(() => rm(dir, { recursive: true, force: true }));

  it.each(planted)('catch the fault planted in %s', (path, _text, category) => {
    const caught = caughtIn(report, path);

    expect(caught).toContain(category);
  });

  it.each(allowed)('let %s pass', (path) => {
    const caught = caughtIn(report, path);

    expect(caught).toEqual([]);
  });

  it('looked at every planted file', () => {
    expect(report.summary.changed + report.summary.unchanged).toBe(planted.length + allowed.length);
  });
});

describe('the lint of the project itself', () => {
  it('looks at more than 50 files', { timeout: busyMachineMs }, async () => {
    const report = await lint(projectDir, ['src', 'test']);

    expect(report.summary.changed + report.summary.unchanged).toBeGreaterThan(50);
  });

  it('has a rule of arrows for every room of src', async () => {
    const { overrides } = JSON.parse(await readFile(join(projectDir, 'biome.json'), 'utf8')) as {
      overrides: { includes: string[] }[];
    };
    const ruled = new Set(overrides.flatMap((override) => override.includes).map((glob) => glob.split('/')[1]));

    const rooms = (await readdir(join(projectDir, 'src'), { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);

    expect(rooms.filter((room) => !ruled.has(room))).toEqual([]);
  });
});
