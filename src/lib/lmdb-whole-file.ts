import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** A data file that ends before what its own head says it holds. */
class CutShort extends Error {
  override readonly name = 'CutShort';
}

const magic = 0xbeefc0de;
/** Offsets in each of the two heads (one a page) of the LMDB that the package `lmdb` 3 contains. */
const [magicAt, pageSizeAt, lastPageAt, transactionAt, headBytes] = [24, 48, 144, 152, 160];
const defaultPageBytes = 4096;
/** Pages that a transaction took and gave back are not written, so an unharmed file may end a little early. */
const slackPages = 16;

/**
 * Throws `CutShort` for a file that lost its end (a full copy target, a broken download): LMDB would map it and the process would die of
 * SIGBUS at some later read. A file that is not there is fine: it will be made.
 */
export async function requireWholeFile(directory: string): Promise<void> {
  const path = join(directory, 'data.mdb');
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return;
  try {
    const { size } = await file.stat();
    if (size === 0) return;
    const heads = [await headAt(file, 0), await headAt(file, defaultPageBytes)].filter((head) => head !== null);
    const newest = heads.sort((a, b) => b.transaction - a.transaction)[0];
    if (newest === undefined) throw cut(path, `it has ${size} bytes and no head`);
    const wanted = (newest.lastPage + 1 - slackPages) * newest.pageBytes;
    if (size < wanted) throw cut(path, `it has ${size} bytes of ${(newest.lastPage + 1) * newest.pageBytes}`);
  } finally {
    await file.close();
  }
}

function cut(path: string, why: string): CutShort {
  return new CutShort(
    `${path} is cut short: ${why}. Put a whole copy in its place, or move the folder away to begin with an empty one.`,
  );
}

interface Head {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly transaction: number;
}

async function headAt(file: Awaited<ReturnType<typeof open>>, position: number): Promise<Head | null> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, position);
  if (bytesRead < headBytes || buffer.readUInt32LE(magicAt) !== magic) return null;
  return {
    pageBytes: buffer.readUInt32LE(pageSizeAt),
    lastPage: Number(buffer.readBigUInt64LE(lastPageAt)),
    transaction: Number(buffer.readBigUInt64LE(transactionAt)),
  };
}
