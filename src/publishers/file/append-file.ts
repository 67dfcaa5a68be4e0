import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { sizeOf, type TextPiece, toVector } from '../../lib/text-pieces.ts';
import { Fault } from '../../model/faults.ts';
import { rotate, statOf, syncFolder } from './rotation.ts';
import { readTailIds } from './tail-ids.ts';
import { repairTornLine } from './torn-line.ts';

/** A line that stands still for so long without its end is torn; a write in progress holds the file's lock for microseconds. */
const tornAfterMs = 20;

export interface AppendOptions {
  readonly sync: boolean;
  readonly maxBytes: number | undefined;
  readonly backupCount: number;
}

/**
 * A file of lines that several processes of one machine may append to. Every append is one write in append mode, which the system
 * does as a whole on a local disk, so lines of two processes never mix. Before each append we look whether the name still means the
 * file we hold (somebody rotated) and whether the file ends as we left it (somebody appended, perhaps died in it).
 */
export class AppendFile {
  readonly #path: string;
  readonly #options: AppendOptions;
  readonly #clock: Clock;
  #handle: FileHandle | undefined;
  #inode = 0;
  /** The size after our last append; another size means that somebody else wrote. */
  #end = -1;

  constructor(path: string, options: AppendOptions, clock: Clock) {
    this.#path = path;
    this.#options = options;
    this.#clock = clock;
  }

  /** Opens or creates the file and repairs a torn last line. */
  async prepare(): Promise<void> {
    const { handle, size: known } = await this.#look();
    const { size, prefix } = await this.#ending(handle, known);
    if (prefix !== '') await this.#write(handle, size, [Buffer.from(prefix)]);
  }

  /** What stands at the end already, on disk for sure: the caller may count these ids as accepted. */
  async readIds(): Promise<Set<string>> {
    const { handle } = await this.#look();
    const ids = await readTailIds(this.#path, handle);
    await flushed(handle);
    return ids;
  }

  /** Nobody has written since our last append. */
  async isAsLeft(): Promise<boolean> {
    return (await this.#look()).size === this.#end;
  }

  /** Resolves once all of these texts are in the file, and on disk when `sync`. After a failure some lines may stand there. */
  async append(texts: readonly TextPiece[]): Promise<void> {
    const bytes = toVector(texts);
    const length = sizeOf(bytes);
    let { handle, size: known } = await this.#look();
    let { size, prefix } = await this.#ending(handle, known);
    if (await this.#rotateFor(size, length + prefix.length)) {
      ({ handle, size: known } = await this.#look());
      ({ size, prefix } = await this.#ending(handle, known));
    }
    await this.#write(handle, size, prefix === '' ? bytes : [Buffer.from(prefix), ...bytes]);
    if (this.#options.sync) await flushed(handle);
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  /** The file that the name means now, and how long it is: one question to the system where nobody rotated. */
  async #look(): Promise<{ readonly handle: FileHandle; readonly size: number }> {
    const named = this.#handle === undefined ? undefined : await statOf(this.#path);
    if (this.#handle !== undefined && named?.ino === this.#inode) return { handle: this.#handle, size: named.size };
    await this.close();
    await mkdir(dirname(this.#path), { recursive: true });
    const handle = await open(this.#path, constants.O_APPEND | constants.O_CREAT | constants.O_RDWR, 0o640);
    this.#handle = handle;
    const { ino, size } = await handle.stat();
    this.#inode = ino;
    this.#end = -1;
    await syncFolder(this.#path);
    return { handle, size };
  }

  /** How long the file is, and what has to be written first so that the last line is whole. */
  async #ending(handle: FileHandle, known: number): Promise<{ readonly size: number; readonly prefix: string }> {
    let size = known;
    if (size === this.#end) return { size, prefix: '' };
    while (!(await endsWithNewline(handle, size))) {
      await this.#clock.sleep(tornAfterMs);
      const now = (await handle.stat()).size;
      if (now === size) return { size, prefix: await repairTornLine(this.#path, handle, size) };
      size = now;
    }
    return { size, prefix: '' };
  }

  async #rotateFor(size: number, length: number): Promise<boolean> {
    const { maxBytes, backupCount } = this.#options;
    if (maxBytes === undefined || size === 0 || size + length <= maxBytes) return false;
    return await rotate(this.#path, backupCount, this.#inode);
  }

  /** `before`: the size that was looked at. Had somebody else written since, the file is longer than we say here, and the next look shows it. */
  async #write(handle: FileHandle, before: number, bytes: readonly Uint8Array[]): Promise<void> {
    this.#end = -1;
    const length = sizeOf(bytes);
    const { bytesWritten } = await handle.writev(bytes);
    if (bytesWritten < length) throw new Fault('retryable', 'short_write', 'the disk took a part of the batch only');
    this.#end = before + length;
  }
}

/** A device and a pipe keep nothing that could be flushed, and say so: EINVAL (fdatasync(2)). */
async function flushed(handle: FileHandle): Promise<void> {
  try {
    await handle.datasync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  }
}

async function endsWithNewline(handle: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  await handle.read(last, 0, 1, size - 1);
  return last[0] === 0x0a;
}
