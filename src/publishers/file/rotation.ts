import type { Stats } from 'node:fs';
import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isOwnerAlive, processOwner } from '../../lib/process-owner.ts';

/**
 * Moves `path` to `path.1` (`.1` to `.2`, …; beyond `keep` the oldest goes) and leaves a new empty file at `path`. Returns whether it did.
 *
 * Several processes may append to one path, so the steps are chosen for what a crash or a rival could do between them. A lock file
 * lets one process rotate at a time; who finds it taken writes on and rotates later. Should two ever hold it (a stale lock taken over
 * by both), `link` refuses to replace a `.1` that is already there, where a rename would have destroyed it. `path` is never absent.
 * A crash between `link` and `rename` leaves one file under both names; the next rotation sees that and finishes the work.
 */
export async function rotate(path: string, keep: number, inode: number): Promise<boolean> {
  const lock = `${path}.rotating`;
  if (!(await takeLock(lock))) return false;
  try {
    if ((await inodeOf(path)) !== inode) return false;
    if ((await inodeOf(`${path}.1`)) !== inode) {
      await shift(path, keep);
      await link(path, `${path}.1`);
    }
    const fresh = `${path}.new`;
    await (await open(fresh, 'w')).close();
    await rename(fresh, path);
    await syncFolder(path);
    return true;
  } finally {
    await ignoringAbsence(unlink(lock));
  }
}

async function shift(path: string, keep: number): Promise<void> {
  if (keep === 1) await ignoringAbsence(unlink(`${path}.1`));
  for (let n = keep - 1; n >= 1; n--) await ignoringAbsence(rename(`${path}.${n}`, `${path}.${n + 1}`));
}

/** Makes names in the folder durable: without it a new file may be gone after a power loss although its content was synced. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function statOf(path: string): Promise<Stats | undefined> {
  return ignoringAbsence(stat(path));
}

async function inodeOf(path: string): Promise<number | undefined> {
  return (await statOf(path))?.ino;
}

/** A lock without an owner: somebody is about to write who they are, or died before they did. */
const namelessMs = 10_000;

async function takeLock(lock: string): Promise<boolean> {
  for (const last of [false, true]) {
    try {
      const handle = await open(lock, 'wx');
      await handle.writeFile(processOwner());
      await handle.close();
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (last || (await isHeld(lock))) return false;
      await ignoringAbsence(unlink(lock));
    }
  }
  return false;
}

async function isHeld(lock: string): Promise<boolean> {
  const owner = await ignoringAbsence(readFile(lock, 'utf8'));
  if (owner !== '') return isOwnerAlive(owner ?? '');
  const mtimeMs = (await statOf(lock))?.mtimeMs;
  return mtimeMs !== undefined && Date.now() - mtimeMs < namelessMs;
}

async function ignoringAbsence<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
