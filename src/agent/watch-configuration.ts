import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';

const lookMs = 1_000;

/**
 * Calls `changed` once files differ from what they were at the last call and have been still for a second: an editor, a copy or a
 * config map that is swapped takes several steps. By looking, not by notification, which network file systems and swapped links do not
 * give. Runs until the signal aborts.
 */
export async function watchConfiguration(
  paths: () => readonly string[],
  clock: Clock,
  signal: AbortSignal,
  changed: () => void,
): Promise<void> {
  let known = await look(paths());
  let before = known;
  for (;;) {
    try {
      await clock.sleep(lookMs, signal);
    } catch {
      return; // we leave
    }
    const now = await look(paths());
    if (now !== known && now === before) {
      known = now;
      changed();
    }
    before = now;
  }
}

async function look(paths: readonly string[]): Promise<string> {
  const seen = await Promise.all(paths.map(seenAt));
  return seen.flat().join('\n');
}

async function seenAt(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => null); // a file that is being replaced is not there for a moment
  if (found === null) return [`${path} is not there`];
  if (!found.isDirectory()) return [`${path} ${found.ino} ${found.size} ${found.mtimeMs}`];
  const names = await readdir(path).catch(() => []);
  const files = await Promise.all(
    names
      .filter((name) => /\.(?:ya?ml|mjs|js|jsonl?|conf)$/.test(name))
      .sort()
      .map(async (name) => {
        const file = await stat(join(path, name)).catch(() => null);
        return `${join(path, name)} ${file?.ino} ${file?.size} ${file?.mtimeMs}`;
      }),
  );
  return files;
}
