import { PythonError } from '../python-error.ts';
import type { CharacterTest } from './characters.ts';
import type { Node, Place } from './syntax.ts';

/** A pattern as instructions of a small machine. `split` tries `to` first, then `or`; its `id` numbers the splits. */
export type Instruction =
  | { readonly op: 'character'; readonly test: CharacterTest }
  | { readonly op: 'split'; readonly id: number; to: number; or: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'at'; readonly place: Place }
  | { readonly op: 'look'; readonly negated: boolean; readonly behind: number | undefined; next: number }
  | { readonly op: 'atomic'; next: number }
  | { readonly op: 'reference'; readonly group: number; readonly ignoreCase: boolean }
  | { readonly op: 'accept' };

export interface Program {
  readonly code: readonly Instruction[];
  readonly splits: number;
  /** With references a position's future depends on what was captured, so failures must not be remembered. */
  readonly hasReferences: boolean;
}

const mostInstructions = 10_000;

export function assemble(tree: Node): Program {
  const code: Instruction[] = [];
  let splits = 0;
  let hasReferences = false;
  const emit = <T extends Instruction>(instruction: T): T => {
    if (code.length >= mostInstructions) throw new PythonError('re.error', `more than ${mostInstructions} steps`);
    code.push(instruction);
    return instruction;
  };
  const split = (lazy: boolean) => {
    const instruction = emit({ op: 'split', id: splits++, to: code.length + 1, or: code.length + 1 });
    return (target: number) => {
      if (lazy) instruction.to = target;
      else instruction.or = target;
    };
  };
  const inner = (item: Node) => {
    add(item);
    emit({ op: 'accept' });
  };

  const repeat = (node: Node & { kind: 'repeat' }): void => {
    if (node.style === 'possessive') {
      const atomic = emit({ op: 'atomic', next: 0 });
      inner({ ...node, style: 'greedy' });
      atomic.next = code.length;
      return;
    }
    const lazy = node.style === 'lazy';
    for (let i = 0; i < node.least; i++) add(node.item);
    if (node.most === Number.POSITIVE_INFINITY) {
      const start = code.length;
      const leave = split(lazy);
      add(node.item);
      emit({ op: 'jump', to: start });
      leave(code.length);
      return;
    }
    const leaves: ((target: number) => void)[] = [];
    for (let i = node.least; i < node.most; i++) {
      leaves.push(split(lazy));
      add(node.item);
    }
    for (const leave of leaves) leave(code.length);
  };

  const add = (node: Node): void => {
    switch (node.kind) {
      case 'character':
        emit({ op: 'character', test: node.test });
        break;
      case 'sequence':
        for (const item of node.items) add(item);
        break;
      case 'choice': {
        const ends: { to: number }[] = [];
        node.branches.forEach((branch, i) => {
          const last = i === node.branches.length - 1;
          const leave = last ? undefined : split(false);
          add(branch);
          if (!last) ends.push(emit({ op: 'jump', to: 0 }));
          leave?.(code.length);
        });
        for (const end of ends) end.to = code.length;
        break;
      }
      case 'repeat':
        repeat(node);
        break;
      case 'group':
        emit({ op: 'save', slot: node.number * 2 });
        add(node.item);
        emit({ op: 'save', slot: node.number * 2 + 1 });
        break;
      case 'atomic': {
        const atomic = emit({ op: 'atomic', next: 0 });
        inner(node.item);
        atomic.next = code.length;
        break;
      }
      case 'look': {
        const look = emit({ op: 'look', negated: node.negated, behind: node.behind, next: 0 });
        inner(node.item);
        look.next = code.length;
        break;
      }
      case 'reference':
        hasReferences = true;
        emit({ op: 'reference', group: node.group, ignoreCase: node.ignoreCase });
        break;
      case 'at':
        emit({ op: 'at', place: node.place });
        break;
    }
  };
  inner(tree);
  return { code, splits, hasReferences };
}
