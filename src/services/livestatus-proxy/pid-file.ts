import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isOwnerAlive, processOwner } from '../../lib/process-owner.ts';
import { replaceFile } from '../../lib/replace-file.ts';

/** Pid on the first line, as start scripts read it; who that was on the second, because pids are used again. */
export async function writePidFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, `${process.pid}\n${processOwner()}\n`);
}

export async function removePidFile(path: string): Promise<void> {
  if ((await readPid(path)) === process.pid) await rm(path, { force: true });
}

/** The running proxy, or null. */
export async function readPid(path: string): Promise<number | null> {
  const text = await readFile(path, 'utf8').catch(() => ''); // none runs
  const [pid, owner = ''] = text.split('\n');
  return isOwnerAlive(owner) ? Number(pid) : null;
}
