import { PythonError } from '../python-error.ts';
import { isWord } from './characters.ts';
import type { Instruction, Program } from './program.ts';
import type { Place } from './syntax.ts';

// A backtracking machine that never does the same work twice: a split that was tried at a position and failed fails there for
// ever, so it is remembered and not entered again. That keeps Python's leftmost-first meaning and costs at most
// pattern × text, where `(a+)+$` would cost 2^text. Patterns with back references cannot be remembered that way; they, and all
// others, also stop at a budget of steps.

export const mostSteps = 4_000_000;

export interface Run {
  readonly program: Program;
  readonly text: Int32Array;
  /** Steps left, shared by all attempts on one text. */
  budget: number;
  /** Bits `split × position` that failed, shared by all attempts on one text until one succeeds. */
  readonly failed: Uint32Array;
}

export function newRun(program: Program, text: Int32Array): Run {
  const bits = program.hasReferences ? 0 : program.splits * (text.length + 1);
  return { program, text, budget: mostSteps, failed: new Uint32Array((bits + 31) >>> 5) };
}

interface Undo {
  readonly slot: number;
  readonly value: number;
}

/**
 * Tries to match at `start`. Returns the end, or -1; captures are written to `slots`. `notEndingAt` refuses that one end (Python's
 * rule after an empty match). Throws MemoryError when the budget is used up.
 */
export function attempt(run: Run, entry: number, start: number, slots: Int32Array, notEndingAt = -1): number {
  return walk(run, entry, start, slots, notEndingAt, run.program.hasReferences ? undefined : run.failed);
}

function walk(
  run: Run,
  entry: number,
  start: number,
  slots: Int32Array,
  notEndingAt: number,
  failed: Uint32Array | Set<number> | undefined,
): number {
  const { code } = run.program;
  const { text } = run;
  const width = text.length + 1;
  const stack: (number | Undo)[] = [];
  const marks: number[] = [];
  let pc = entry;
  let at = start;
  for (;;) {
    if (--run.budget < 0) throw new PythonError('MemoryError', `the pattern needs more than ${mostSteps} steps`);
    const instruction = code[pc] as Instruction;
    let ok = true;
    switch (instruction.op) {
      case 'character':
        ok = at < text.length && instruction.test(text[at] as number);
        if (ok) at++;
        pc++;
        break;
      case 'split': {
        const mark = instruction.id * width + at;
        if (failed !== undefined && !tryMark(failed, mark)) ok = false;
        else {
          marks.push(mark);
          stack.push(instruction.or, at);
          pc = instruction.to;
        }
        break;
      }
      case 'jump':
        pc = instruction.to;
        break;
      case 'save':
        stack.push({ slot: instruction.slot, value: slots[instruction.slot] as number });
        slots[instruction.slot] = at;
        pc++;
        break;
      case 'at':
        ok = isAt(instruction.place, text, at);
        pc++;
        break;
      case 'look': {
        const from = at - (instruction.behind ?? 0);
        const found = from >= 0 && walk(run, pc + 1, from, slots, -1, new Set()) >= 0;
        ok = found !== instruction.negated;
        pc = instruction.next;
        break;
      }
      case 'atomic': {
        const end = walk(run, pc + 1, at, slots, -1, new Set());
        ok = end >= 0;
        at = end;
        pc = instruction.next;
        break;
      }
      case 'reference': {
        const end = matchReference(instruction, text, at, slots);
        ok = end >= 0;
        at = end;
        pc++;
        break;
      }
      case 'accept':
        ok = at !== notEndingAt;
        if (ok) {
          // What this attempt tried but did not see fail must be open to the next attempt on the same text.
          if (failed instanceof Uint32Array)
            for (const mark of marks) failed[mark >>> 5] = (failed[mark >>> 5] as number) & ~(1 << (mark & 31));
          return at;
        }
        break;
    }
    if (ok) continue;
    let back = stack.pop();
    while (typeof back === 'object') {
      slots[back.slot] = back.value;
      back = stack.pop();
    }
    if (back === undefined) return -1;
    at = back;
    pc = stack.pop() as number;
  }
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

function matchReference(
  { group, ignoreCase }: Instruction & { op: 'reference' },
  text: Int32Array,
  at: number,
  slots: Int32Array,
): number {
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
      const before = at > 0 && isWord(text[at - 1] as number);
      const behind = at < text.length && isWord(text[at] as number);
      return (before !== behind) === (place === 'word edge');
    }
  }
}
