import { execFile } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const source = fileURLToPath(new URL('./clock-shift.c', import.meta.url));

/** The wall clock of any number of processes, to be set while they run. */
export interface ClockShift {
  /** For the processes whose clock it is. */
  readonly env: NodeJS.ProcessEnv;
  set(seconds: number): Promise<void>;
  remove(): Promise<void>;
}

/** Needs a C compiler, and installs Debian's where there is none. */
export async function shiftedClock(folder: string, name: string): Promise<ClockShift> {
  const library = join(folder, 'clock-shift.so');
  const file = join(folder, `${name}.shift`);
  await compile(library);
  const set = async (seconds: number) => {
    const handle = await open(file, 'a').then(async (made) => {
      await made.close();
      return open(file, 'r+');
    });
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    await handle.write(bytes, 0, 8, 0);
    await handle.close();
  };
  await set(0);
  return { env: { LD_PRELOAD: library, CLOCK_SHIFT_FILE: file }, set, remove: () => rm(file, { force: true }) };
}

async function compile(library: string): Promise<void> {
  const arguments_ = ['-shared', '-fPIC', '-O2', '-o', library, source];
  try {
    await run('cc', arguments_);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', 'gcc', 'libc6-dev']);
    await run('cc', arguments_);
  }
}
