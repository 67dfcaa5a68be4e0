import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunningAgent, startAgent } from '../../../src/agent/agent.ts';
import { agentActions } from '../../../src/agent/agent-actions.ts';
import { Figures } from '../../../src/agent/figures.ts';
import { openAdmin } from '../../../src/agent/open-admin.ts';
import { ToldLately } from '../../../src/agent/told-lately.ts';
import type { AgentConfig } from '../../../src/config/agent-config.ts';
import { loadSetup } from '../../../src/config/load-setup.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createItemCodec } from '../../../src/pipeline/item-codec.ts';
import { createTelemetry } from '../../../src/telemetry/telemetry.ts';

let folder: string;
let agent: RunningAgent | null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-admin-'));
  await mkdir(join(folder, 'pipelines'));
  agent = null;
});

afterEach(async () => {
  await agent?.stop('the test is over');
  await rm(folder, { recursive: true });
});

const sink = `sink: rates
from: samples
match: ["*"]
partition_by: [resource_id]
partitions: 3
transform: [{ rate_of_change: { target: { name: rate, unit: x, type: gauge } } }]
publish: [{ file: { path: out.jsonl } }]
`;

/** Resolves with where it serves. */
async function start(admin: string): Promise<string> {
  await writeFile(join(folder, 'pipelines', 'sink.yaml'), sink);
  await writeFile(
    join(folder, 'in.jsonl'),
    `${JSON.stringify({ message_id: 'm', publisher_id: 'p', event_type: 'x', priority: 'info', timestamp: '2026-01-01T00:00:00', payload: {} })}\nnot json\n`,
  );
  await writeFile(join(folder, 'token'), 'secret\n');
  await writeFile(
    join(folder, 'agent.yaml'),
    `cluster: c\ndata_dir: data\npipelines: pipelines\ninputs: [{ file: { path: in.jsonl } }]\nadmin: ${admin}\n`,
  );
  const { config, sinks, converter } = await loadSetup({ config: join(folder, 'agent.yaml') }, {});
  const telemetry = createTelemetry({ level: 'silent', agent: 'a' });
  const address = new Promise<string>((resolve) => {
    telemetry.listen((name, facts) => {
      if (name === 'admin:listening') resolve((facts as { readonly address: string }).address);
    });
  });
  agent = await startAgent({
    config,
    sinks,
    converter,
    codec: createItemCodec(() => ''),
    emit: telemetry.emit,
    scrape: telemetry.scrape,
    clock: systemClock,
    random: Math.random,
    version: 'test',
    exclusiveInputs: true,
  });
  return await address;
}

async function until<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  const end = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (Date.now() > end) throw new Error(`it did not happen within 20 s: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('an agent with admin.listen', () => {
  it('shows what it has counted and what it owns as metrics', async () => {
    const address = await start('{ listen: "127.0.0.1:0" }');
    const values = async () => {
      const text = await (await fetch(`${address}/metrics`)).text();
      return Object.fromEntries([...text.matchAll(/^ceilograph_(\S+) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]));
    };

    const read = await until(
      values,
      (now) => now['partitions_owned'] === 3 && (now['kept_dead_letters{reason="bad_json"}'] ?? 0) > 0,
    );

    expect(read).toMatchObject({
      received_total: expect.any(Number),
      dead_letters_total: 1,
      'kept_dead_letters{reason="bad_json"}': 1,
      group_members: 1,
      'partition_epoch{sink="rates",partition="0"}': 1,
      'partition_epoch{sink="rates",partition="2"}': 1,
      'partition_outbox_items{sink="rates",partition="1"}': 0,
      'build_info{version="test"}': 1,
    });
    expect(read['received_total']).toBeGreaterThanOrEqual(2);
  });

  it('shows the status of the cluster to who has the token, and everybody that it runs', async () => {
    const address = await start('{ listen: "127.0.0.1:0", token_file: token }');
    const status = async () =>
      (await fetch(`${address}/v1/status`, { headers: { authorization: 'Bearer secret' } })).json() as Promise<{
        readonly partitions: readonly { readonly owner: string | null }[];
      }>;

    const owned = await until(
      status,
      ({ partitions }) => partitions.length === 3 && partitions.every((each) => each.owner !== null),
    );

    expect(owned).toMatchObject({
      version: 1,
      members: [{ agent: agent?.identity.agent, facts: { admin: address } }],
      partitions: [{ sink: 'rates', owner: agent?.identity.agent }, {}, {}],
      servedBy: { agent: agent?.identity.agent, build: 'test', reason: null },
    });
    expect((await fetch(`${address}/v1/status`)).status).toBe(401);
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
  });

  it('serves nothing any more once it has stopped', async () => {
    const address = await start('{ listen: "127.0.0.1:0" }');
    await agent?.stop('done');

    await expect(fetch(`${address}/healthz`)).rejects.toThrow();
  });

  it('does not start with a token file that is empty', async () => {
    await writeFile(join(folder, 'empty'), '\n');

    await expect(start('{ listen: "127.0.0.1:0", token_file: empty }')).rejects.toMatchObject({ code: 'empty_secret' });
  });

  it.each([
    ['fails', () => Promise.reject(new Error('connection refused'))],
    ['hangs', () => new Promise<never>(() => undefined)],
  ])('shows what it counts itself while a store %s', async (_how, look) => {
    const telemetry = createTelemetry({ level: 'silent', agent: 'a' });
    const figures = new Figures(systemClock);
    figures.own.received = 7;
    const opened = await openAdmin({
      actions: agentActions({} as never, {} as never, async () => ({ ok: false, hash: '', problems: [] })),
      config: { admin: { listen: { host: '127.0.0.1', port: 0 }, tokenFile: null } } as AgentConfig,
      identity: { agent: 'a', boot: 'b' },
      version: 'test',
      emit: telemetry.emit,
      clock: { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 100, signal) },
      figures,
      told: new ToldLately(systemClock),
      deadLetters: { list: () => [], get: () => undefined, stats: () => ({ letters: 0, bytes: 0, evicted: 0, byReason: {} }) },
      scrape: telemetry.scrape,
      look,
    });
    const text = await (await fetch(`${opened.address}/metrics`)).text();
    const status = await fetch(`${opened.address}/v1/status`);
    await opened.close();

    expect(text).toContain('\nceilograph_received_total 7\n');
    expect(text).toContain('\nceilograph_stores_answer 0\n');
    expect(text).not.toMatch(/^ceilograph_(?:partitions_owned|group_members) /m);
    expect([status.status, await status.json()]).toEqual([503, { title: 'the stores do not answer', status: 503 }]);
  });
});
