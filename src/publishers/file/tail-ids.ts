import { type FileHandle, open } from 'node:fs/promises';

/** How far back an id is looked for, the newest backup included: some 20,000 samples. A line repeated from further back stands twice. */
const tailBytes = 8 * 1024 * 1024;

/** The ids in the last `tailBytes` of the file and, when it is shorter, of the newest backup before it. */
export async function readTailIds(path: string, handle: FileHandle): Promise<Set<string>> {
  const ids = new Set<string>();
  const size = (await handle.stat()).size;
  await collect(handle, size, Math.min(size, tailBytes), ids);
  if (size >= tailBytes) return ids;

  const backup = await open(`${path}.1`, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (backup === undefined) return ids;
  try {
    const backupSize = (await backup.stat()).size;
    await collect(backup, backupSize, Math.min(backupSize, tailBytes - size), ids);
    // What we are about to count as accepted must be on disk, and its writer may have died before it synced.
    await backup.datasync();
  } finally {
    await backup.close();
  }
  return ids;
}

async function collect(handle: FileHandle, size: number, length: number, ids: Set<string>): Promise<void> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, size - length);
  for (const line of bytes.subarray(0, bytesRead).toString('utf8').split('\n')) {
    const id = idOf(line);
    if (id !== undefined) ids.add(id);
  }
}

/** The id of a line, JSON or the text of a Python dict; a cut or foreign line has none. */
function idOf(line: string): string | undefined {
  if (line === '') return undefined;
  const dict = /^\s*\{'message_id': '([^'\\]+)'|'id': '([^'\\]+)', 'monotonic_time': [^'{}]*\}$/.exec(line);
  if (dict !== null) return dict[1] ?? dict[2];
  try {
    const item = JSON.parse(line) as { id?: unknown; message_id?: unknown } | null;
    const id = item?.message_id ?? item?.id;
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined; // the first line of the window is cut, and foreign lines are none of our business
  }
}
