import { PythonError } from '../python-error.ts';
import type { CharacterTest } from './characters.ts';
import { canBeEmpty, type Node, type Place } from './syntax.ts';

/**
 * A pattern as instructions of a small machine, in columns (a third of the time of an array of objects): `x` and `y` are an
 * instruction's operands.
 *
 * | operation | x | y | |
 * |---|---|---|---|
 * | character | test | | takes a character that passes |
 * | literal | code | | takes that character |
 * | run | test | | takes as many characters as pass, then gives them back one by one |
 * | split | first | second | tries two ways; `ids` numbers the splits |
 * | jump | target | | |
 * | save | slot | 1 for a group | notes the position |
 * | again | start | slot | ends a round of a loop: the next one, or on when this one took nothing |
 * | at | place | | takes nothing |
 * | look | next | | runs what follows up to `accept`; `looks` says how |
 * | atomic | next | | the same, and takes what that took |
 * | reference | group | 1 ignoring case | |
 * | accept | | | |
 */
export const operations = {
  character: 0,
  split: 1,
  jump: 2,
  save: 3,
  again: 4,
  at: 5,
  look: 6,
  atomic: 7,
  reference: 8,
  accept: 9,
  literal: 10,
  run: 11,
} as const;

export interface Look {
  readonly negated: boolean;
  /** Characters to go back first. */
  readonly behind: number;
}

export interface Program {
  readonly ops: Uint8Array;
  readonly xs: Int32Array;
  readonly ys: Int32Array;
  readonly ids: Int32Array;
  readonly tests: readonly CharacterTest[];
  readonly places: readonly Place[];
  readonly looks: ReadonlyMap<number, Look>;
  readonly splits: number;
  /** Two per group (0 is the whole match), then one per loop that may take nothing. */
  readonly slots: number;
  /** With references a position's future depends on what was captured, so failures must not be remembered. */
  readonly hasReferences: boolean;
}

const mostInstructions = 10_000;

interface Draft {
  readonly op: number;
  x: number;
  y: number;
  readonly id: number;
}

export function assemble(tree: Node, groups: number): Program {
  const code: Draft[] = [];
  const tests: CharacterTest[] = [];
  const places: Place[] = [];
  const looks = new Map<number, Look>();
  let splits = 0;
  let slots = (groups + 1) * 2;
  let hasReferences = false;

  const emit = (op: number, x = 0, y = 0, id = 0): Draft => {
    if (code.length >= mostInstructions) throw new PythonError('re.error', `more than ${mostInstructions} steps`);
    const instruction = { op, x, y, id };
    code.push(instruction);
    return instruction;
  };
  /** Goes on with the next instruction, or where the returned function says (which a lazy loop tries first). */
  const split = (lazy: boolean) => {
    const instruction = emit(operations.split, code.length + 1, code.length + 1, splits++);
    return (target: number) => {
      if (lazy) instruction.x = target;
      else instruction.y = target;
    };
  };
  const enclosed = (op: number, item: Node) => {
    const head = emit(op);
    add(item);
    emit(operations.accept);
    head.x = code.length;
  };

  const repeat = (node: Node & { kind: 'repeat' }): void => {
    if (node.style === 'possessive') {
      enclosed(operations.atomic, { ...node, style: 'greedy' });
      return;
    }
    const lazy = node.style === 'lazy';
    for (let i = 0; i < node.least; i++) add(node.item);
    if (node.most === Number.POSITIVE_INFINITY) {
      loop(node.item, lazy);
      return;
    }
    const leaves: ((target: number) => void)[] = [];
    for (let i = node.least; i < node.most; i++) {
      leaves.push(split(lazy));
      add(node.item);
    }
    for (const leave of leaves) leave(code.length);
  };

  const loop = (item: Node, lazy: boolean): void => {
    if (!lazy && (item.kind === 'character' || item.kind === 'literal')) {
      const test = item.kind === 'character' ? item.test : (code: number) => code === item.code;
      emit(operations.run, tests.push(test) - 1, 0, splits++);
      return;
    }
    const start = code.length;
    const leave = split(lazy);
    if (canBeEmpty(item)) {
      const slot = slots++;
      emit(operations.save, slot);
      add(item);
      emit(operations.again, start, slot);
    } else {
      add(item);
      emit(operations.jump, start);
    }
    leave(code.length);
  };

  const choose = (branches: readonly Node[]): void => {
    const ends: Draft[] = [];
    branches.forEach((branch, i) => {
      const last = i === branches.length - 1;
      const leave = last ? undefined : split(false);
      add(branch);
      if (!last) ends.push(emit(operations.jump));
      leave?.(code.length);
    });
    for (const end of ends) end.x = code.length;
  };

  const add = (node: Node): void => {
    switch (node.kind) {
      case 'character':
        emit(operations.character, tests.push(node.test) - 1);
        break;
      case 'literal':
        emit(operations.literal, node.code);
        break;
      case 'sequence':
        for (const item of node.items) add(item);
        break;
      case 'choice':
        choose(node.branches);
        break;
      case 'repeat':
        repeat(node);
        break;
      case 'group':
        emit(operations.save, node.number * 2, 1);
        add(node.item);
        emit(operations.save, node.number * 2 + 1, 1);
        break;
      case 'atomic':
        enclosed(operations.atomic, node.item);
        break;
      case 'look':
        looks.set(code.length, { negated: node.negated, behind: node.behind ?? 0 });
        enclosed(operations.look, node.item);
        break;
      case 'reference':
        hasReferences = true;
        emit(operations.reference, node.group, node.ignoreCase ? 1 : 0);
        break;
      case 'at':
        emit(operations.at, places.push(node.place) - 1);
        break;
    }
  };

  add(tree);
  emit(operations.accept);
  return {
    ops: Uint8Array.from(code, ({ op }) => op),
    xs: Int32Array.from(code, ({ x }) => x),
    ys: Int32Array.from(code, ({ y }) => y),
    ids: Int32Array.from(code, ({ id }) => id),
    tests,
    places,
    looks,
    splits,
    slots,
    hasReferences,
  };
}
