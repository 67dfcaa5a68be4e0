import { open } from 'node:fs/promises';

const atOnce = 64 * 1024;

/** All of a file, or null when it has more than `maxBytes`. A pipe or a device says no size before and may have no end. */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array | null> {
  const handle = await open(path, 'r');
  try {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(atOnce), 0, atOnce, null);
      if (bytesRead === 0) return Buffer.concat(chunks, length);
      length += bytesRead;
      if (length > maxBytes) return null;
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}
