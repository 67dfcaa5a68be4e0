import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { Fault } from '../../model/faults.ts';
import { stableHash } from '../../model/stable-hash.ts';

/** How far a file is settled. `file` (device:inode) and the hash of its first bytes say whether it is still the same file. */
const PositionSchema = z.strictObject({
  file: z.string(),
  head: z.string(),
  head_bytes: z.int().min(0),
  offset: z.int().min(0),
  line: z.int().min(0),
});
export type Position = z.output<typeof PositionSchema>;

/** Named by the path, so that two inputs of one agent keep apart and a renamed input goes on. */
export function positionPathOf(dataDir: string, path: string): string {
  return join(dataDir, 'positions', `${stableHash([path]).toString(16).padStart(16, '0')}.json`);
}

export async function readPosition(path: string): Promise<Position | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Fault('fatal', 'unreadable_file', `cannot read the position in ${path}`, { cause: error });
  }
  try {
    return PositionSchema.parse(JSON.parse(text));
  } catch (error) {
    // Never written by us like this. Starting over would double a whole file unasked.
    throw new Fault('fatal', 'bad_position', `${path} holds no position; remove it to read from the start`, { cause: error });
  }
}

/** On disk, whole or not at all: the old position stands until the new one is synced and renamed over it. */
export async function writePosition(path: string, position: Position): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(`${path}.new`, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(position)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.new`, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
