import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface FullDisksTally {
  disks: number;
  accepted: number;
  refused: number;
  /** Of the refusals. */
  readonly reasons: Record<string, number>;
  /** Accepted and never taken by the server. */
  readonly lost: string[];
  /** Taken, and refused before or never offered. */
  readonly invented: string[];
  doubled: number;
  uncertain: number;
}

/**
 * A real filesystem of 4 MiB in memory, in a namespace of its own, so that nobody need be root: LMDB meets the kernel's ENOSPC in the
 * middle of its commits, not one that a test throws before them.
 */
export async function fullDisks(seed: number, count: number): Promise<FullDisksTally> {
  const disk = await mkdtemp(join(tmpdir(), 'mail-full-disk-'));
  const child = fileURLToPath(new URL('full-disk-child.ts', import.meta.url));
  const script = 'mount -t tmpfs -o size=4m tmpfs "$1" && exec "$2" --import tsx "$3" "$1" "$4" "$5"';
  try {
    const running = spawn(
      'unshare',
      ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', disk, process.execPath, child, String(seed), String(count)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const failed = new Promise<never>((_, reject) => running.once('error', reject));
    return JSON.parse(await Promise.race([text(running.stdout), failed])) as FullDisksTally;
  } finally {
    await rm(disk, { recursive: true, force: true });
  }
}
