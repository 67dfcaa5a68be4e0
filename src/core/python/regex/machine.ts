import { PythonError } from '../python-error.ts';
import { isWord } from './characters.ts';
import { type Look, operations, type Program } from './program.ts';
import type { Place } from './syntax.ts';

// A backtracking machine that never does the same work twice: a split that was tried at a position and failed fails there for
// ever, so it is remembered and not entered again. That keeps Python's leftmost-first meaning and costs at most
// pattern × text: `(a+)+$` on 50,000 a's takes some 20 ms, where a plain backtracker needs 2^50,000 steps. What cannot be remembered
// (patterns with back references, the inside of look-arounds from one position to the next) stops at a budget of steps.

export const mostSteps = 2_000_000;

/** What is left for several texts together. */
export interface Steps {
  left: number;
}

export interface Run {
  readonly program: Program;
  readonly text: Int32Array;
  /** Whether groups are noted; a mere match does not need them. */
  readonly captures: boolean;
  /** Steps left, shared by all attempts on one text. */
  budget: number;
  /** Bits `split × position` that failed, shared by all attempts on one text until one succeeds. */
  readonly failed: Uint32Array;
}

export function newRun(program: Program, text: Int32Array, captures: boolean, budget = mostSteps): Run {
  const bits = program.hasReferences ? 0 : program.splits * (text.length + 1);
  const needed = captures || program.hasReferences;
  return { program, text, captures: needed, budget, failed: new Uint32Array((bits + 31) >>> 5) };
}

/**
 * Tries to match at `start`. Returns the end, or -1; groups are written to `slots`. `notEndingAt` refuses that one end (Python's
 * rule after an empty match). Throws MemoryError when the budget is used up.
 */
export function attempt(run: Run, start: number, slots: Int32Array, notEndingAt = -1): number {
  return walk(run, 0, start, slots, notEndingAt, run.program.hasReferences ? undefined : run.failed);
}

type Failed = Uint32Array | Set<number> | undefined;

function walk(run: Run, entry: number, start: number, slots: Int32Array, notEndingAt: number, failed: Failed): number {
  const { program, text, captures } = run;
  const { ops, xs, ys, ids, tests } = program;
  const length = text.length;
  const width = length + 1;
  const size = ops.length;
  // Pairs: an instruction and a position to go back to; or ~slot and the value it had; or size + instruction of a run and the next
  // position it may shrink to, not below the last of `floors`.
  const stack: number[] = [];
  const floors: number[] = [];
  const marks: number[] = []; // only replacing goes on after a success
  let pc = entry;
  let at = start;
  let budget = run.budget;
  for (;;) {
    if (--budget < 0) {
      run.budget = 0;
      throw new PythonError('MemoryError', `the pattern needs more than ${mostSteps} steps`);
    }
    let ok = true;
    const x = xs[pc] as number;
    switch (ops[pc]) {
      case operations.character:
        ok = at < length && (tests[x] as (code: number) => boolean)(text[at++] as number);
        pc++;
        break;
      case operations.literal:
        ok = at < length && text[at++] === x;
        pc++;
        break;
      case operations.split: {
        const mark = (ids[pc] as number) * width + at;
        if (failed !== undefined && !tryMark(failed, mark)) ok = false;
        else {
          if (captures) marks.push(mark);
          stack.push(ys[pc] as number, at);
          pc = x;
        }
        break;
      }
      case operations.run: {
        const floor = at;
        const first = (ids[pc] as number) * width;
        const test = tests[x] as (code: number) => boolean;
        // Where a mark is met, an earlier run passed, and it tried everything behind that place.
        while (at < length && !(failed !== undefined && isMarked(failed, first + at)) && test(text[at] as number)) at++;
        budget -= at - floor;
        stack.push(size + pc, at);
        floors.push(floor);
        ok = false;
        break;
      }
      case operations.jump:
        pc = x;
        break;
      case operations.save:
        if (captures || ys[pc] === 0) {
          stack.push(~x, slots[x] as number);
          slots[x] = at;
        }
        pc++;
        break;
      case operations.again:
        pc = at === slots[ys[pc] as number] ? pc + 1 : x;
        break;
      case operations.at:
        ok = isAt(program.places[x] as Place, text, at);
        pc++;
        break;
      case operations.look: {
        const { negated, behind } = program.looks.get(pc) as Look;
        run.budget = budget;
        const found = at >= behind && walk(run, pc + 1, at - behind, slots, -1, new Set()) >= 0;
        budget = run.budget;
        ok = found !== negated;
        pc = x;
        break;
      }
      case operations.atomic:
        run.budget = budget;
        at = walk(run, pc + 1, at, slots, -1, new Set());
        budget = run.budget;
        ok = at >= 0;
        pc = x;
        break;
      case operations.reference:
        at = afterReference(x, ys[pc] === 1, text, at, slots);
        ok = at >= 0;
        pc++;
        break;
      default: // accept
        if (at !== notEndingAt) {
          run.budget = budget;
          reopen(failed, marks);
          return at;
        }
        ok = false;
    }
    if (ok) continue;
    for (;;) {
      const value = stack.pop();
      const target = stack.pop();
      if (value === undefined || target === undefined) {
        run.budget = budget;
        return -1;
      }
      if (target < 0) {
        slots[~target] = value;
        continue;
      }
      at = value;
      pc = target;
      if (target < size) break;
      pc -= size;
      const floor = floors.at(-1) as number;
      const mark = (ids[pc] as number) * width + at;
      if (at > floor) stack.push(target, at - 1);
      else floors.pop();
      if (failed !== undefined && !tryMark(failed, mark)) continue;
      if (captures) marks.push(mark);
      pc++;
      break;
    }
  }
}

function isMarked(failed: Uint32Array | Set<number>, mark: number): boolean {
  if (failed instanceof Set) return failed.has(mark);
  return ((failed[mark >>> 5] as number) & (1 << (mark & 31))) !== 0;
}

/** False when it was marked before. */
function tryMark(failed: Uint32Array | Set<number>, mark: number): boolean {
  if (failed instanceof Set) {
    if (failed.has(mark)) return false;
    failed.add(mark);
    return true;
  }
  const word = failed[mark >>> 5] as number;
  const bit = 1 << (mark & 31);
  if ((word & bit) !== 0) return false;
  failed[mark >>> 5] = word | bit;
  return true;
}

/** What a successful attempt tried without seeing it fail must be open to the next attempt on the same text. */
function reopen(failed: Failed, marks: readonly number[]): void {
  if (!(failed instanceof Uint32Array)) return;
  for (const mark of marks) failed[mark >>> 5] = (failed[mark >>> 5] as number) & ~(1 << (mark & 31));
}

/** The position behind another occurrence of what the group took, or -1. */
function afterReference(group: number, ignoreCase: boolean, text: Int32Array, at: number, slots: Int32Array): number {
  const from = slots[group * 2] as number;
  const to = slots[group * 2 + 1] as number;
  if (from < 0 || to < 0 || at + to - from > text.length) return -1;
  for (let i = 0; i < to - from; i++) {
    const [a, b] = [text[from + i] as number, text[at + i] as number];
    if (a === b) continue;
    if (!ignoreCase || String.fromCodePoint(a).toLowerCase() !== String.fromCodePoint(b).toLowerCase()) return -1;
  }
  return at + to - from;
}

function isAt(place: Place, text: Int32Array, at: number): boolean {
  switch (place) {
    case 'start':
      return at === 0;
    case 'end':
      return at === text.length;
    case 'line start':
      return at === 0 || text[at - 1] === 10;
    case 'line end':
      return at === text.length || text[at] === 10;
    case 'last line end':
      return at === text.length || (at === text.length - 1 && text[at] === 10);
    default: {
      if (text.length === 0) return false; // Python's empty text has neither
      const before = at > 0 && isWord(text[at - 1] as number);
      const behind = at < text.length && isWord(text[at] as number);
      return (before !== behind) === (place === 'word edge');
    }
  }
}
