import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentActions } from '../../../src/admin/agent-actions.ts';
import type { AgentView } from '../../../src/admin/agent-view.ts';
import { Health } from '../../../src/admin/health.ts';
import { changeRoutes } from '../../../src/admin/routes/changes.ts';
import { letterRoutes } from '../../../src/admin/routes/dead-letters.ts';
import { type Admin, startAdmin } from '../../../src/admin/server.ts';
import { agentActions } from '../../../src/agent/agent-actions.ts';
import { AdminClient } from '../../../src/cli/admin/client.ts';
import { openClusterBox } from '../../../src/cli/deadletter/cluster-box.ts';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { DeadLetters, type Letter } from '../../../src/pipeline/dead-letters.ts';
import { Taps } from '../../../src/pipeline/taps.ts';
import { Traces } from '../../../src/pipeline/traces.ts';

let folder: string;
let clock: ManualClock;
let logs: DeadLetters[];
let admins: Admin[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-cluster-box-'));
  clock = new ManualClock();
  logs = [];
  admins = [];
});
afterEach(async () => {
  await Promise.all(admins.map((admin) => admin.close()));
  await Promise.all(logs.map((log) => log.close()));
  await rm(folder, { recursive: true });
});

async function log(name: string): Promise<DeadLetters> {
  const opened = await DeadLetters.open({ directory: join(folder, name), clock });
  logs.push(opened);
  return opened;
}

async function agent(name: string, letters: DeadLetters, keptIn: string) {
  const view = {
    letters: (query) => letters.list(query).map(({ body: _, ...letter }) => letter),
    lettersKeptIn: keptIn,
    letter: (id) => letters.get(id) ?? null,
    letterStats: () => ({ ...letters.stats(), byReason: { ...letters.stats().byReason } }),
  } as Partial<AgentView> as AgentView;
  const watching = { taps: new Taps(() => 0), traces: new Traces() };
  const actions: AgentActions = agentActions(letters, watching, async () => ({ ok: false, hash: '', problems: [] }));
  const admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    token: 'secret',
    health: new Health(),
    version: '1.2.3',
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    status: async () => null,
    routes: [...letterRoutes(view), ...changeRoutes(actions)],
  });
  admins.push(admin);
  return { agent: name, client: new AdminClient(admin.address, 'secret') };
}

const letter = (body: string, reason = 'bad_json'): Letter => ({
  stage: 'decode',
  reason,
  message: `what is wrong with ${body}`,
  sink: null,
  publisher: null,
  origin: 'here',
  messageId: null,
  body: Buffer.from(body),
});

describe('the dead letters of a cluster', () => {
  it('are listed newest first with who keeps them, one that several logs have once', async () => {
    const [one, two] = [await log('1'), await log('2')];
    const box = await openClusterBox([
      await agent('a1', one, 'host:/1'),
      await agent('a2', two, 'host:/2'),
      await agent('a3', two, 'host:/2'),
    ]);
    await one.record(letter('both'));
    await clock.advance(1_000);
    await two.record(letter('both'));
    await clock.advance(1_000);
    await two.record(letter('second', 'too_deep'));

    const { letters, stats } = await box.list({}, 10);
    expect(letters.map(({ message, agents, times }) => [message, agents, times])).toEqual([
      ['what is wrong with second', ['a2', 'a3'], 1],
      ['what is wrong with both', ['a1', 'a2', 'a3'], 2],
    ]);
    expect(stats).toMatchObject({ letters: 3, byReason: { bad_json: 2, too_deep: 1 } });
    expect((await box.list({ reason: 'too_deep', says: 'second' }, 10)).letters).toHaveLength(1);
    expect((await box.list({ since: clock.now() + 1 }, 10)).letters).toEqual([]);
  });

  it('are shown with their body wherever they are kept', async () => {
    const [one, two] = [await log('1'), await log('2')];
    const box = await openClusterBox([await agent('a1', one, 'host:/1'), await agent('a2', two, 'host:/2')]);
    const id = await two.record(letter('second'));

    expect(await box.get(id)).toMatchObject({ id, body: { text: 'second' } });
    expect(await box.get('nobody')).toBeUndefined();
  });

  it('are tried again or dropped in every log that has them, once where agents share one', async () => {
    const [one, two] = [await log('1'), await log('2')];
    const box = await openClusterBox([
      await agent('a1', one, 'host:/1'),
      await agent('a2', one, 'host:/1'),
      await agent('a3', two, 'host:/2'),
    ]);
    const id = await one.record(letter('both'));
    await two.record(letter('both'));
    await two.record(letter('second'));

    const how = { dryRun: false, force: false };
    expect(await box.retry({ reason: 'bad_json' }, { ...how, dryRun: true })).toMatchObject({ chosen: 3, changed: 0 });
    expect(one.waitingForRetry()).toBe(0);
    expect(await box.retry({ ids: [id] }, how)).toMatchObject({ chosen: 2, changed: 2, ids: [id] });
    expect([one.waitingForRetry([id]), two.waitingForRetry([id])]).toEqual([1, 1]);
    expect(await box.progress([id])).toEqual({ waiting: 2, letters: 2 });
    await one.finishRetry(id);
    expect(await box.progress([id])).toEqual({ waiting: 1, letters: 1 });
    expect(await box.drop({}, { dryRun: false })).toMatchObject({ chosen: 2, changed: 2 });
    expect([one.stats().letters, two.stats().letters]).toEqual([0, 0]);
  });

  it('are not half listed: an agent that does not answer fails the whole', async () => {
    const one = await log('1');
    const there = await agent('a1', one, 'host:/1');
    const gone = { agent: 'a2', client: new AdminClient('http://127.0.0.1:1', 'secret') };

    await expect(openClusterBox([there, gone])).rejects.toThrow('does not answer');
  });
});
