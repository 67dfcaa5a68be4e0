import { readFileSync } from 'node:fs';
import { realpath, statfs } from 'node:fs/promises';

// Magic numbers of statfs(2). A memory map shared over a network is not coherent, and its locks are not ours.
const sharedFilesystems = new Map([
  [0x6969, 'nfs'],
  [0x517b, 'smb'],
  [0xfe534d42, 'smb2'],
  [0xff534d42, 'cifs'],
  [0x00c36400, 'ceph'],
  [0x5346414f, 'afs'],
  [0x01021997, '9p'],
  [0x0bd00bd0, 'lustre'],
  [0x01161970, 'gfs2'],
  [0x7461636f, 'ocfs2'],
  [0x47504653, 'gpfs'],
  [0x19830326, 'beegfs'],
  [0xaad7aaea, 'panfs'],
]);
const fuse = 0x65735546;
const localFuse = new Set(['fuseblk', 'fuse.fuse-overlayfs', 'fuse.ntfs-3g']);

/** The name of a filesystem that several hosts may share, or null for a local one. `mountType` is asked only for FUSE. */
export function sharedFilesystem(magic: number, mountType: () => string): string | null {
  const unsigned = magic >>> 0;
  if (unsigned !== fuse) return sharedFilesystems.get(unsigned) ?? null;
  const type = mountType();
  return localFuse.has(type) ? null : type;
}

export class NotLocalDisk extends Error {
  override readonly name = 'NotLocalDisk';
}

/** Throws `NotLocalDisk` for a directory on NFS and the like: there LMDB would corrupt its file without a word. */
export async function requireLocalDisk(directory: string): Promise<void> {
  const path = await realpath(directory);
  const { type } = await statfs(path);
  const shared = sharedFilesystem(type, () => mountTypeOf(path, readFileSync('/proc/self/mountinfo', 'utf8')));
  if (shared === null) return;
  throw new NotLocalDisk(`${directory} is on ${shared}; embedded data needs a local disk (ext4, xfs, btrfs, zfs)`);
}

/** The type of the deepest mount above the path, from the text of `/proc/self/mountinfo`. */
export function mountTypeOf(path: string, mountinfo: string): string {
  let best = { length: -1, type: 'fuse' };
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    const point = before?.split(' ')[4]?.replace(/\\040/g, ' ');
    const type = after?.split(' ')[0];
    if (point === undefined || type === undefined) continue;
    const inside = point === '/' || path === point || path.startsWith(`${point}/`);
    if (inside && point.length >= best.length) best = { length: point.length, type };
  }
  return best.type;
}
