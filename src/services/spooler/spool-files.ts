import { lstat, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packEntry } from '../../core/spool/entry.ts';
import { readSpoolFile } from '../../core/spool/spool-file.ts';
import type { Clock } from '../../lib/clock.ts';
import { classify, Fault } from '../../model/faults.ts';
import { stableId } from '../../model/stable-hash.ts';
import type { SpoolPlace } from './spool-place.ts';

export interface SpoolFilesOptions {
  readonly folder: string;
  readonly place: SpoolPlace;
  readonly clock: Clock;
}

/** A file that cannot be read may still be on its way; after so long it is not. */
const unfinishedMs = 10_000;
const mostAtOnce = 500;

/**
 * Takes the files in that Checkmk's notification module leaves in its `notify/spool`. A file is removed once its notification is on
 * our disk (or kept as corrupted); whoever dies in between takes it in again under the same id. Returns how many were taken.
 */
export async function takeSpoolFiles({ folder, place, clock }: SpoolFilesOptions): Promise<number> {
  const names = (await readdir(folder).catch(noFolder)).filter((name) => !name.startsWith('.')).sort();
  let taken = 0;
  for (const name of names.slice(0, mostAtOnce)) {
    const path = join(folder, name);
    const stats = await lstat(path).catch(() => undefined); // gone meanwhile
    if (stats === undefined || stats.isDirectory()) continue;
    const done = await takeFile(path, name, place, clock, clock.now() - stats.mtimeMs < unfinishedMs);
    if (!done) continue;
    await rm(path, { force: true });
    taken += 1;
  }
  return taken;
}

async function takeFile(path: string, name: string, place: SpoolPlace, clock: Clock, young: boolean): Promise<boolean> {
  const { site, maxNotificationBytes } = place.agreed();
  let bytes: Buffer = Buffer.alloc(0);
  try {
    bytes = await readWhole(path, maxNotificationBytes);
    const { forward, eventType, payload } = readSpoolFile(bytes.toString('utf8'));
    const uuid = /^[\da-f-]{32,36}$/i.test(name) ? name : stableId(['spool-file', name, bytes.toString('latin1')]);
    const timestamp = new Date(clock.now()).toISOString().slice(0, -1).replace('T', ' ');
    const context = {
      message_id: uuid,
      publisher_id: `checkmk.${site}`,
      event_type: eventType,
      priority: 'info',
      timestamp,
      payload,
    };
    const entry = packEntry({ uuid, site, hops: 0, atMs: clock.now(), context });
    if (forward) await place.spool.put([entry]);
    else await place.arrivals.take([{ id: uuid, tag: 'checkmk', peer: site, entry }]);
  } catch (thrown) {
    const fault = classify(thrown);
    if (fault.class !== 'poison') throw fault;
    if (young) return false;
    await place.corrupted.add(name, fault.message, bytes);
  }
  return true;
}

async function readWhole(path: string, mostBytes: number): Promise<Buffer> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new Fault('poison', 'unreadable_file', `cannot be read: ${error.code}`, { cause: error });
  });
  try {
    const { size } = await file.stat();
    if (size > mostBytes) throw new Fault('poison', 'too_large', `${size} bytes, at most ${mostBytes} are taken`);
    if (size === 0) throw new Fault('poison', 'empty_file', 'it is empty');
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function noFolder(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []; // nothing was ever spooled there
  throw error;
}
