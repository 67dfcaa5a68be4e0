import { copyFile, cp, mkdtemp, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { draft, QueueRig } from '../../mail/queue-rig.ts';

describe('the file of the queue', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mail-file-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const filled = async (mails: number) => {
    const directory = join(folder, 'queue');
    const rig = await QueueRig.open([], { directory });
    for (let i = 0; i < mails; i += 20)
      await rig.accept(...Array.from({ length: 20 }, (_, j) => draft(`m${i + j}`, { text: 'x'.repeat(5_000) })));
    return { rig, directory };
  };

  it('copied while nobody writes opens with every mail that was flushed', async () => {
    const { rig, directory } = await filled(200);
    await cp(directory, join(folder, 'copy'), { recursive: true });
    const copy = await QueueRig.open([], { directory: join(folder, 'copy') });

    expect(copy.queue.operator.stats().deliveries).toBe(200);
    await copy.stop();
    await rig.stop();
  });

  it.each([0.9, 0.5, 0.1, 0.001])('cut to %f of its length is refused, with its name and what to do', async (share) => {
    const { rig, directory } = await filled(400);
    await rig.stop();
    const whole = join(directory, 'data.mdb');
    await copyFile(whole, join(folder, 'whole'));
    await truncate(whole, Math.floor((await stat(whole)).size * share));

    await expect(QueueRig.open([], { directory })).rejects.toThrow(/data\.mdb is cut short.*Put a whole copy in its place/);
    await copyFile(join(folder, 'whole'), whole);
    const again = await QueueRig.open([], { directory });
    expect(again.queue.operator.stats().deliveries).toBe(400);
    await again.stop();
  });
});
