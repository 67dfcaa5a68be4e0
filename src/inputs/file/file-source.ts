import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { LineFramer } from '../../lib/line-framing.ts';
import { Fault } from '../../model/faults.ts';
import { stableHash } from '../../model/stable-hash.ts';
import { bodyOf, type LineSource, type SourceLine } from './line-source.ts';
import type { Position } from './position.ts';

const chunkBytes = 256 * 1024;
const leastRoom = 16 * 1024;
const headBytes = 256;

interface Options {
  readonly path: string;
  readonly follow: boolean;
  readonly maxLineBytes: number;
  readonly pollIntervalMs: number;
  readonly clock: Clock;
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly file: string;
  offset: number;
  framer: LineFramer;
  /** Hash of the first bytes, known once there are some. */
  head: { readonly hash: string; readonly bytes: number } | undefined;
}

/**
 * A file read from a position, once or for ever (`follow`).
 *
 * | at its end, following           | what happens |
 * |---------------------------------|--------------|
 * | nothing new                     | look again after the poll interval |
 * | another file has the path       | wait one interval more for late writers, read the rest, go to the new file |
 * | shorter than what was read      | it was truncated: from its start |
 * | the path is gone                | wait for it |
 *
 * A position of a file that was rotated away while nobody looked is found by its inode in the same folder and read to its end first.
 * Not seen: a file truncated and refilled beyond the old length between two looks, and all but one of several rotations while away.
 */
export class FileSource implements LineSource {
  readonly #options: Options;
  #resume: Position | undefined;
  #current: OpenFile | undefined;
  #leaving = false;
  #ended = false;
  #room: Buffer = Buffer.alloc(0);

  constructor(options: Options, resume: Position | undefined) {
    this.#options = options;
    this.#resume = resume;
  }

  async read(signal: AbortSignal): Promise<readonly SourceLine[]> {
    while (!this.#ended) {
      signal.throwIfAborted();
      this.#current ??= await this.#openNext();
      if (this.#current === undefined) {
        await this.#pause(signal);
        continue;
      }
      const lines = (await this.#readOn(this.#current)) ?? (await this.#atEnd(this.#current, signal));
      if (lines.length > 0) return lines;
    }
    return [];
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#current?.handle.close();
    this.#current = undefined;
  }

  /** `undefined` at the end of the file. */
  async #readOn(from: OpenFile): Promise<readonly SourceLine[] | undefined> {
    // Never twice the same memory: lines are views of it and live until they are settled. A file that is followed grows by little at a time.
    if (this.#room.length < leastRoom) this.#room = Buffer.allocUnsafeSlow(chunkBytes);
    const chunk = this.#room;
    const { bytesRead } = await from.handle.read(chunk, 0, chunk.length, from.offset);
    if (bytesRead === 0) return undefined;
    this.#room = chunk.subarray(bytesRead);
    from.head ??= await headOf(from.handle, headBytes);
    from.offset += bytesRead;
    return this.#toSourceLines(from, from.framer.push(chunk.subarray(0, bytesRead)));
  }

  async #atEnd(from: OpenFile, signal: AbortSignal): Promise<readonly SourceLine[]> {
    if (!this.#options.follow || this.#leaving) {
      this.#leaving = false;
      this.#current = undefined;
      this.#ended = !this.#options.follow;
      await from.handle.close();
      return this.#toSourceLines(from, from.framer.end());
    }
    if ((await from.handle.stat()).size < from.offset) {
      from.offset = 0;
      from.head = undefined;
      from.framer = new LineFramer(this.#options.maxLineBytes);
      return [];
    }
    const there = await identityAt(this.#options.path);
    this.#leaving = there !== undefined && there !== from.file;
    await this.#pause(signal);
    return [];
  }

  #pause(signal: AbortSignal): Promise<void> {
    return this.#options.clock.sleep(this.#options.pollIntervalMs, signal);
  }

  async #openNext(): Promise<OpenFile | undefined> {
    const resume = this.#resume;
    this.#resume = undefined;
    const atPath = await openFile(this.#options.path);
    if (resume !== undefined) {
      if (atPath !== undefined && (await continues(atPath, resume))) return this.#startAt(atPath, resume);
      const rotated = this.#options.follow ? await findRotated(this.#options.path, resume) : undefined;
      if (rotated !== undefined) {
        await atPath?.handle.close();
        this.#leaving = true;
        return this.#startAt(rotated, resume);
      }
    }
    if (atPath !== undefined) return this.#startAt(atPath, undefined);
    if (this.#options.follow) return undefined;
    throw new Fault('fatal', 'no_file', `${this.#options.path} does not exist`);
  }

  #startAt(opened: { handle: FileHandle; file: string }, position: Position | undefined): OpenFile {
    const offset = position?.offset ?? 0;
    const framer = new LineFramer(this.#options.maxLineBytes, { offset, line: position?.line ?? 0 });
    const head = position === undefined ? undefined : { hash: position.head, bytes: position.head_bytes };
    return { ...opened, offset, framer, head };
  }

  #toSourceLines(from: OpenFile, lines: ReturnType<LineFramer['push']>): readonly SourceLine[] {
    const { file, head } = from;
    return lines.map((line) => ({
      body: bodyOf(line, this.#options.maxLineBytes),
      number: line.number,
      position: { file, head: head?.hash ?? '', head_bytes: head?.bytes ?? 0, offset: line.end, line: line.number },
    }));
  }
}

async function openFile(path: string): Promise<{ handle: FileHandle; file: string } | undefined> {
  try {
    const handle = await open(path, 'r');
    const { dev, ino } = await handle.stat({ bigint: true });
    return { handle, file: `${dev}:${ino}` };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Fault('fatal', 'unreadable_file', `cannot read ${path}`, { cause: error });
  }
}

async function identityAt(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function headOf(handle: FileHandle, bytes: number): Promise<{ hash: string; bytes: number }> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0);
  const text = buffer.toString('latin1', 0, bytesRead);
  return { hash: stableHash([text]).toString(16), bytes: bytesRead };
}

/** The same file, grown: same inode, same beginning, not shorter. An inode alone is used again by the next file. */
async function continues(opened: { handle: FileHandle; file: string }, position: Position): Promise<boolean> {
  if (opened.file !== position.file) return false;
  if ((await opened.handle.stat()).size < position.offset) return false;
  const head = await headOf(opened.handle, position.head_bytes);
  return head.hash === position.head;
}

async function findRotated(path: string, position: Position): Promise<{ handle: FileHandle; file: string } | undefined> {
  for (const name of await readdir(dirname(path))) {
    const candidate = join(dirname(path), name);
    if ((await identityAt(candidate)) !== position.file) continue;
    const opened = await openFile(candidate);
    if (opened === undefined) continue;
    if (await continues(opened, position)) return opened;
    await opened.handle.close();
  }
  return undefined;
}
