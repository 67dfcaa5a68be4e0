import { open } from 'node:fs/promises';

const leastAtOnce = 4 * 1024;
const mostAtOnce = 64 * 1024;

/** All of a file, or null when it has more than `maxBytes`. A pipe or a device says no size before and may have no end. */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array | null> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    // No more than it needs: dozens of small files are read with every reload. The byte beyond it is for the read that finds the end.
    let room = Buffer.allocUnsafe(Math.min(Math.max(size + 1, leastAtOnce), mostAtOnce));
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(room, 0, room.length, null);
      if (bytesRead === 0) return Buffer.concat(chunks, length);
      length += bytesRead;
      if (length > maxBytes) return null;
      chunks.push(room.subarray(0, bytesRead));
      room = bytesRead < room.length ? room.subarray(bytesRead) : Buffer.allocUnsafe(mostAtOnce);
    }
  } finally {
    await handle.close();
  }
}
