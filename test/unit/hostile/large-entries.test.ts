import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openEmbedded } from '../../../src/agent/open-embedded.ts';

it('large entries are read a few at a time, in order, and none is passed over', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ceilograph-hostile-topic-'));
  const embedded = await openEmbedded({ dataDir: folder });
  const ref = { cluster: 'c', sink: 's', generation: 1, partition: 0 };
  await embedded.topics.create([ref], () => new Uint8Array(1), 1 << 30);
  const appender = await embedded.topics.openAppender();
  for (let i = 0; i < 5; i++)
    await appender.append([{ partition: ref, bytes: new Uint8Array(9 << 20).fill(i) }], AbortSignal.timeout(10_000));
  const attachment = await embedded.topics.attach(ref, null, 100);
  const counts: number[] = [];
  const found: (number | undefined)[] = [];

  while (found.length < 6) {
    const received = await attachment.read(64, 1_000, AbortSignal.timeout(10_000));
    counts.push(received.length);
    found.push(...received.map(({ bytes }) => bytes[0]));
  }

  expect(found.slice(1)).toEqual([0, 1, 2, 3, 4]);
  expect(Math.max(...counts)).toBeLessThanOrEqual(3);
  await attachment.close();
  await appender.close();
  await embedded.close();
  await rm(folder, { recursive: true });
});
