import { type FileHandle, open } from 'node:fs/promises';

/**
 * What a crash in the middle of a write leaves: a last line without its end. The bytes are overwritten with spaces, which JSON allows
 * before a value, so that the next line appended there is a good one. Not truncated: another process may append at this very moment,
 * and its accepted line would be cut off with the torn one; the torn bytes themselves belong to nobody any more.
 *
 * Returns what the next append must begin with: a newline when the last line is whole and only lacks its end (a file that somebody
 * else wrote), else nothing. The caller has made sure that nobody is still writing that line.
 */
export async function repairTornLine(path: string, handle: FileHandle, size: number): Promise<string> {
  const start = await startOfLastLine(handle, size);
  if (start === size) return '';
  const bytes = Buffer.alloc(size - start);
  await handle.read(bytes, 0, bytes.length, start);
  const text = bytes.toString('utf8').trim();
  if (text === '') return '';
  if (isJson(text)) return '\n';

  // A handle of its own: in append mode Linux appends whatever the position says.
  const writer = await open(path, 'r+');
  try {
    if ((await writer.stat()).ino === (await handle.stat()).ino) {
      await writer.write(Buffer.alloc(bytes.length, ' '), 0, bytes.length, start);
      await writer.datasync();
    }
  } finally {
    await writer.close();
  }
  return '';
}

/** Where the bytes after the last newline begin; `size` when the file ends with one. */
async function startOfLastLine(handle: FileHandle, size: number): Promise<number> {
  const chunk = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - chunk.length);
    const { bytesRead } = await handle.read(chunk, 0, end - start, start);
    const newline = chunk.lastIndexOf(0x0a, bytesRead - 1);
    if (newline >= 0 && newline < bytesRead) return start + newline + 1;
    end = start;
  }
  return 0;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // not JSON is an answer here, not a fault
  }
}
