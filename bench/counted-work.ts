import { Session } from 'node:inspector/promises';
import { GCProfiler } from 'node:v8';

/** Bytes of heap that `work` allocates, collections within it notwithstanding. Buffers' own memory is not counted. */
export function allocatedBytes(work: () => void): number {
  const profiler = new GCProfiler();
  profiler.start();
  const before = process.memoryUsage().heapUsed;
  work();
  const after = process.memoryUsage().heapUsed;
  const { statistics } = profiler.stop();
  const freed = statistics.reduce(
    (sum, { beforeGC, afterGC }) => sum + beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
    0,
  );
  return after - before + freed;
}

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/**
 * Characters of the sources whose address holds `where` that are executed: those of each block, times how often it was entered. Almost as
 * good as a count of instructions, and V8 counts it exactly, of what was loaded after `start`.
 */
export class ExecutedCharacters {
  readonly #where: string;
  readonly #session = new Session();

  private constructor(where: string) {
    this.#where = where;
  }

  static async start(where: string): Promise<ExecutedCharacters> {
    const executed = new ExecutedCharacters(where);
    executed.#session.connect();
    await executed.#session.post('Profiler.enable');
    await executed.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return executed;
  }

  async during(work: () => void): Promise<number> {
    await this.#take();
    work();
    return await this.#take();
  }

  /** What it counted begins anew. */
  async #take(): Promise<number> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    return result
      .filter(({ url }) => url.includes(this.#where))
      .reduce((sum, { functions }) => sum + executedIn(functions.flatMap(({ ranges }) => ranges)), 0);
  }
}

/** Ranges lie within each other; a character counts for the innermost. */
function executedIn(ranges: readonly Range[]): number {
  const outermostFirst = [...ranges].sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  const open: Range[] = [];
  let at = 0;
  let sum = 0;
  const upTo = (offset: number) => {
    sum += (open.at(-1)?.count ?? 0) * (offset - at);
    at = offset;
  };
  const closeBefore = (offset: number) => {
    for (let top = open.at(-1); top !== undefined && top.endOffset <= offset; top = open.at(-1)) {
      upTo(top.endOffset);
      open.pop();
    }
  };
  for (const range of outermostFirst) {
    closeBefore(range.startOffset);
    upTo(range.startOffset);
    open.push(range);
  }
  closeBefore(Number.POSITIVE_INFINITY);
  return sum;
}
