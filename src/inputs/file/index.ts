import { basename, resolve } from 'node:path';
import { aborted, orAborted } from '../../lib/or-aborted.ts';
import { retryLoop } from '../../lib/retry-loop.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { classify } from '../../model/faults.ts';
import type { Delivery, Input, InputContext, InputKind } from '../input.ts';
import { FileSource } from './file-source.ts';
import type { LineSource, SourceLine } from './line-source.ts';
import { positionPathOf, readPosition } from './position.ts';
import { PositionKeeper } from './position-keeper.ts';
import { type FileInputParameters, summary } from './schema.ts';
import { SettledPrefix } from './settled-prefix.ts';
import { StreamSource } from './stream-source.ts';

/** A line that was given back comes again after this pause, so that a full listener is not asked in a hot loop. */
const againAfterMs = 1_000;
const backoff = { baseMs: 250, capMs: 10_000 };

export const file: InputKind<FileInputParameters> = {
  name: 'file',
  summary,
  async open(parameters, context) {
    if (parameters.path === '-') {
      return new FileInput(
        'stdin',
        new StreamSource(process.stdin, parameters.max_line_bytes),
        undefined,
        parameters.prefetch,
        context,
      );
    }
    const path = resolve(context.baseDir ?? '.', parameters.path);
    const positionPath = positionPathFor(parameters, path, context);
    const resume = positionPath === undefined || parameters.from === 'start' ? undefined : await readPosition(positionPath);
    const options = {
      path,
      follow: parameters.follow,
      maxLineBytes: parameters.max_line_bytes,
      pollIntervalMs: parameters.poll_interval_ms,
      clock: context.clock,
    };
    return new FileInput(`file:${basename(path)}`, new FileSource(options, resume), positionPath, parameters.prefetch, context);
  },
};

function positionPathFor(parameters: FileInputParameters, path: string, context: InputContext): string | undefined {
  if (parameters.position_path !== undefined) return resolve(context.baseDir ?? '.', parameters.position_path);
  return context.dataDir === undefined ? undefined : positionPathOf(context.dataDir, path);
}

interface Handed {
  readonly line: SourceLine;
  readonly sequence: number;
}

/**
 * Reads lines, hands them out within the prefetch, and moves the position over the settled prefix. Killed at any moment, the next
 * run starts behind the last settled line that has no unsettled one before it: at least once, never a gap.
 */
export class FileInput implements Input {
  readonly #origin: string;
  readonly #source: LineSource;
  readonly #context: InputContext;
  readonly #keeper: PositionKeeper;
  readonly #permits: Semaphore;
  readonly #prefix = new SettledPrefix<SourceLine>();
  #returned: Handed[] = [];
  #reading: Promise<readonly SourceLine[]> | undefined;
  #wake: () => void = () => {};

  constructor(origin: string, source: LineSource, positionPath: string | undefined, prefetch: number, context: InputContext) {
    this.#origin = origin;
    this.#source = source;
    this.#context = context;
    this.#permits = new Semaphore(prefetch);
    this.#keeper = new PositionKeeper(positionPath, (fault) => {
      if (fault === undefined) context.report({ kind: 'unblocked', detail: 'the position is written again' });
      else context.report({ kind: 'blocked', detail: `the position cannot be written: ${fault.message}` });
    });
  }

  async run(): Promise<void> {
    const { soft, hard } = this.#context;
    const stop = AbortSignal.any([soft, hard]);
    this.#context.report({ kind: 'connected', detail: this.#origin });
    try {
      await this.#pump(stop);
    } catch (thrown) {
      if (!stop.aborted) throw thrown;
    }
    await Promise.race([this.#permits.idle(), aborted(hard)]);
    await this.#keepPosition(stop);
  }

  async prove(): Promise<void> {
    await this.#keeper.flushed();
  }

  async sendCanary(): Promise<boolean> {
    return false; // a file we read is not ours to write
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#reading]); // it ended with the signals; closing the file under a read would be a fault of ours
    await Promise.all([this.#source.close(), this.#keeper.close()]);
  }

  /** Asked to leave, one try is enough: a position that stays behind costs duplicates, which was told as `blocked`. */
  async #keepPosition(stop: AbortSignal): Promise<void> {
    const { clock, random } = this.#context;
    const retryable = (thrown: unknown) => (classify(thrown).class === 'retryable' ? 0 : undefined);
    try {
      if (stop.aborted) await this.#keeper.flushed();
      else await retryLoop({ ...backoff, clock, random, signal: stop, retryable }, () => this.#keeper.flushed());
    } catch (thrown) {
      if (!stop.aborted) throw thrown;
    }
  }

  async #pump(stop: AbortSignal): Promise<void> {
    let ended = false;
    while (!ended || this.#permits.taken > 0 || this.#returned.length > 0) {
      if (this.#returned.length > 0) {
        await this.#context.clock.sleep(againAfterMs, stop);
        await this.#hand(this.#returned.splice(0), true, stop);
        continue;
      }
      const woken = new Promise<undefined>((resolve) => {
        this.#wake = () => resolve(undefined);
      });
      if (!ended) this.#reading ??= this.#source.read(stop);
      const lines = await orAborted(Promise.race(this.#reading === undefined ? [woken] : [this.#reading, woken]), stop);
      if (lines === undefined) continue;
      this.#reading = undefined;
      ended = lines.length === 0;
      await this.#hand(
        lines.map((line) => ({ line, sequence: this.#prefix.add(line) })),
        false,
        stop,
      );
    }
  }

  async #hand(lines: readonly Handed[], redelivered: boolean, stop: AbortSignal): Promise<void> {
    for (let start = 0; start < lines.length; ) {
      const count = await this.#permits.acquireUpTo(lines.length - start, stop);
      const batch = lines.slice(start, start + count).map((handed) => this.#deliveryOf(handed, redelivered));
      await orAborted(this.#context.deliver(batch), this.#context.hard);
      start += count;
    }
  }

  #deliveryOf(handed: Handed, redelivered: boolean): Delivery {
    let open = true;
    const finish = (then: () => void) => () => {
      if (!open) return;
      open = false;
      then();
      this.#permits.release();
      this.#wake();
    };
    return {
      body: handed.line.body,
      origin: `${this.#origin}:${handed.line.number}`,
      priority: undefined,
      redelivered,
      settle: finish(() => {
        const reached = this.#prefix.settle(handed.sequence);
        if (reached?.position !== undefined) this.#keeper.note(reached.position);
      }),
      giveBack: finish(() => this.#returned.push(handed)),
    };
  }
}
