import { mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HurtTarget, opened } from './hurt-target.ts';

/** A file whose disk is full while its name means `/dev/full`: the system answers each write with ENOSPC. */
export async function file(): Promise<HurtTarget> {
  const dir = await mkdtemp(join(tmpdir(), 'hurt-file-'));
  const [path, roomy] = [join(dir, 'out.jsonl'), join(dir, 'roomy.jsonl')];
  const pointTo = async (target: string) => {
    await symlink(target, `${path}.next`);
    await rename(`${path}.next`, path);
  };
  await pointTo(roomy);
  return {
    kind: 'file',
    proxy: null,
    open: (context) => opened('file', { path }, context),
    answerErrors: () => pointTo('/dev/full'),
    answerAgain: () => pointTo(roomy),
    ids: async () => [...(await readFile(roomy, 'utf8')).matchAll(/"id":"([^"]+)"/g)].map(([, id = '']) => id),
    close: () => rm(dir, { recursive: true }),
  };
}
