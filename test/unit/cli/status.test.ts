import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Embedded, openEmbedded } from '../../../src/agent/open-embedded.ts';
import { statusCommand } from '../../../src/cli/commands/status.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { printEntry } from '../../../src/model/entry.ts';
import { DeadLetters } from '../../../src/pipeline/dead-letters.ts';
import { type PartitionRef, partitionName } from '../../../src/topics/topic.ts';

const encoder = new TextEncoder();
const refs: PartitionRef[] = [0, 1].map((partition) => ({ cluster: 'ceilograph', sink: 'cpu-util', generation: 1, partition }));
const identity = { agent: 'a1', boot: 'b1' };

let folder: string;
let embedded: Embedded;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-status-'));
});

afterEach(async () => {
  await embedded?.close();
  await rm(folder, { recursive: true });
  process.exitCode = undefined;
});

async function cluster(more: Readonly<Record<string, string>> = {}): Promise<void> {
  embedded = await openEmbedded({ dataDir: folder });
  await embedded.topics.create(refs, (ref) => encoder.encode(printEntry({ kind: 'genesis', ...ref, uuid: 'u' })), 1024 * 1024);
  const facts = { received: '7', published: '5', ...more };
  await embedded.group.heartbeat({ ...identity, weight: 1, protocol: 1, build: '1', host: 'h', pid: 42, facts }, 60_000);
}

async function own(ref: PartitionRef): Promise<void> {
  const result = await embedded.group.acquire(identity, partitionName(ref), 0, 60_000);
  expect(result.kind).toBe('acquired');
}

async function status(...args: readonly string[]): Promise<{ readonly out: string; readonly code: number }> {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await statusCommand().parseAsync(['node', 'status', '--data-dir', folder, ...args]);
    return { out: written.mock.calls.map(([text]) => String(text)).join(''), code: Number(process.exitCode ?? 0) };
  } finally {
    written.mockRestore();
    process.exitCode = undefined;
  }
}

describe('status', () => {
  it('shows members, partitions with their owners and what waits', async () => {
    await cluster();
    await own(refs[0] as PartitionRef);
    const appender = await embedded.topics.openAppender();
    await appender.append([{ partition: refs[1] as PartitionRef, bytes: encoder.encode('{}') }], AbortSignal.timeout(5_000));

    const view = JSON.parse((await status('--json')).out);
    expect(view.version).toBe(1);
    expect(view.members).toMatchObject([{ agent: 'a1', pid: 42, facts: { received: '7' } }]);
    expect(view.partitions.map((one: { owner: string | null }) => one.owner)).toEqual(['a1', null]);
    expect(view.partitions[1].entries).toBeGreaterThan(view.partitions[0].entries - 1);

    const { out } = await status();
    expect(out).toContain('agents (1)\n  a1  pid 42 on h  received 7  published 5');
    expect(out).toContain('cg.ceilograph.cpu-util.g1.p1');
    expect(out).toContain('nobody');
  });

  it('counts dead letters by reason', async () => {
    await cluster();
    const letters = await DeadLetters.open({ directory: join(folder, 'dead-letters'), clock: systemClock });
    const about = { stage: 'decode', message: 'm', sink: null, publisher: null, origin: null, messageId: null };
    await letters.record({ ...about, reason: 'bad_json', body: encoder.encode('{') });
    await letters.close();

    expect(JSON.parse((await status('--json')).out).deadLetters).toMatchObject({ letters: 1, byReason: { bad_json: 1 } });
  });

  it('as a monitoring plugin is critical while a partition has no owner, ok when all have, warning when work piles up', async () => {
    await cluster();
    await own(refs[0] as PartitionRef);
    expect(await status('--check')).toMatchObject({
      code: 2,
      out: expect.stringContaining('1 partitions have no owner | agents=1'),
    });

    await own(refs[1] as PartitionRef);
    expect(await status('--check')).toMatchObject({ code: 0, out: expect.stringMatching(/^CEILOGRAPH OK - .* \| .*lag=\d+/) });

    const appender = await embedded.topics.openAppender();
    const entry = { partition: refs[1] as PartitionRef, bytes: encoder.encode('{}') };
    await appender.append([entry, entry, entry], AbortSignal.timeout(5_000));
    expect(await status('--check', '--lag-warning', '2')).toMatchObject({ code: 1 });
  });

  it('says unknown where no agent has run', async () => {
    expect(await status('--check')).toMatchObject({ code: 3, out: expect.stringContaining('UNKNOWN') });
  });

  it('says which partition stands still, and why', async () => {
    const unit = partitionName(refs[1] as PartitionRef);
    await cluster({ [`trouble.${unit}`]: JSON.stringify({ kind: 'failed', text: 'its state was lost | give it up' }) });
    await own(refs[0] as PartitionRef);

    expect((await status()).out).toContain('\n    its state was lost | give it up\n');
    const { out, code } = await status('--check');
    expect(out).toContain(`CRITICAL - 1 partitions stand still. ${unit}: its state was lost   give it up |`);
    expect(code).toBe(2);
  });

  it('warns of a partition that holds entries it cannot apply', async () => {
    const unit = partitionName(refs[1] as PartitionRef);
    await cluster({ [`trouble.${unit}`]: JSON.stringify({ kind: 'gap', text: 'holds 3 entries' }) });
    for (const ref of refs) await own(ref);

    expect(await status('--check')).toMatchObject({
      out: expect.stringContaining(`WARNING - 1 partitions wait. ${unit} holds 3 entries`),
      code: 1,
    });
  });
});
