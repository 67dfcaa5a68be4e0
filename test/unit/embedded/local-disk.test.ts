import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { mountTypeOf, requireLocalDisk, sharedFilesystem } from '../../../src/lib/local-disk.ts';

const noMount = () => expect.unreachable('only FUSE asks for the mount');
const fuse = 0x65735546;

it.each([
  ['ext4', 0xef53, null],
  ['xfs', 0x58465342, null],
  ['btrfs', 0x9123683e, null],
  ['tmpfs', 0x01021994, null],
  ['overlayfs', 0x794c7630, null],
  ['nfs', 0x6969, 'nfs'],
  ['cifs, as the signed number some platforms give', 0xff534d42 | 0, 'cifs'],
  ['ceph', 0x00c36400, 'ceph'],
  ['9p', 0x01021997, '9p'],
])('tells whether %s may be shared between hosts', (_, magic, expected) => {
  expect(sharedFilesystem(magic, noMount)).toBe(expected);
});

it.each([
  ['fuse.sshfs', 'fuse.sshfs'],
  ['fuse.glusterfs', 'fuse.glusterfs'],
  ['fuse.fuse-overlayfs', null],
  ['fuseblk', null],
])('takes %s for what its mount says', (type, expected) => {
  expect(sharedFilesystem(fuse, () => type)).toBe(expected);
});

it('finds the deepest mount above a path', () => {
  const mountinfo = [
    '20 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
    '30 20 0:40 / /data rw - fuse.sshfs host:/data rw',
    '31 30 0:41 / /data/a\\040b rw - fuseblk /dev/sdb rw',
    '',
  ].join('\n');

  expect(['/data', '/data/x', '/database', '/data/a b/c'].map((path) => mountTypeOf(path, mountinfo))).toEqual([
    'fuse.sshfs',
    'fuse.sshfs',
    'ext4',
    'fuseblk',
  ]);
});

it('accepts the disk these tests run on', async () => {
  await expect(requireLocalDisk(tmpdir())).resolves.toBeUndefined();
});
