import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunningAgent, startAgent } from '../../src/agent/agent.ts';
import { loadSetup } from '../../src/config/load-setup.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createItemCodec } from '../../src/pipeline/item-codec.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { postgresUrl } from '../services/with-services.ts';

const table = `hosts_${process.pid}`;
let folder: string;
let database: Client;
let agent: RunningAgent | null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-hosts-'));
  await mkdir(join(folder, 'pipelines'));
  agent = null;
  database = new Client(await postgresUrl());
  await database.connect();
  await database.query(
    `CREATE TABLE ${table} (name text PRIMARY KEY, definition jsonb, note text, status int, since timestamptz, reason text, written int DEFAULT 0)`,
  );
});

afterEach(async () => {
  await agent?.stop('the test is over');
  await database.query(`DROP TABLE ${table}`);
  await database.end();
  await rm(folder, { recursive: true });
});

/** Resolves with where reports are taken. */
async function start(): Promise<string> {
  const inventory = {
    sql: await postgresUrl(),
    query: `SELECT 'host' AS kind, name, definition FROM ${table}`,
    update: `UPDATE ${table} SET status = $2, since = $3, reason = $4, written = written + 1 WHERE name = $1`,
  };
  const liveness = { inventory, partitions: 2, slack: '1s', first_report: '2s', reload: '1s' };
  const config = { cluster: 'c', data_dir: 'data', pipelines: 'pipelines', inputs: [{ http: { port: 0 } }], liveness };
  await writeFile(join(folder, 'agent.yaml'), JSON.stringify(config));
  const setup = await loadSetup({ config: join(folder, 'agent.yaml') }, {});
  const telemetry = createTelemetry({ level: 'silent', agent: 'a' });
  const address = new Promise<string>((resolve) => {
    telemetry.listen((name, facts) => {
      if (name === 'input:connected') resolve((facts as { readonly detail: string }).detail.replace(/\/v1\/.*$/, ''));
    });
  });
  const shared = { codec: createItemCodec(() => ''), emit: telemetry.emit, clock: systemClock, random: Math.random };
  agent = await startAgent({ ...setup, ...shared, version: 'test', exclusiveInputs: true });
  return await address;
}

async function rows(): Promise<unknown[]> {
  return (await database.query(`SELECT name, note, status, reason, written FROM ${table} ORDER BY name`)).rows;
}

const quick = { services: { uptime: { interval: 60, tolerance: 1 } } };

describe('hosts that are kept in PostgreSQL', () => {
  it('get their status written back once per change, and nothing else of their rows', async () => {
    await database.query(`INSERT INTO ${table} (name, definition, note) VALUES ('a', $1, 'mine'), ('b', $1, 'too')`, [quick]);
    const address = await start();
    const report = async () => {
      const body = JSON.stringify([{ host: 'a', service: 'uptime' }]);
      await fetch(`${address}/v1/reports`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      return await rows();
    };

    await expect.poll(report, { timeout: 15_000, interval: 500 }).toEqual([
      { name: 'a', note: 'mine', status: 1, reason: 'reporting', written: 1 },
      { name: 'b', note: 'too', status: null, reason: null, written: 0 },
    ]);
  });

  it('are read again, and an inventory that is wrong leaves the one of before', async () => {
    await database.query(`INSERT INTO ${table} (name, definition) VALUES ('a', $1)`, [
      { services: { uptime: { interval: 1, tolerance: 0 } } },
    ]);
    await start();
    await expect.poll(rows, { timeout: 15_000 }).toMatchObject([{ name: 'a', status: 5, reason: 'never_reported', written: 1 }]);

    await database.query(`INSERT INTO ${table} (name, definition) VALUES ('b', '{"services": 7}')`);
    await systemClock.sleep(2_500);
    await database.query(`UPDATE ${table} SET definition = $1 WHERE name = 'b'`, [
      { services: { uptime: { interval: 1, tolerance: 0 } } },
    ]);

    await expect.poll(rows, { timeout: 15_000 }).toMatchObject([
      { name: 'a', status: 5, written: 1 },
      { name: 'b', status: 5, reason: 'never_reported', written: 1 },
    ]);
  });
});
