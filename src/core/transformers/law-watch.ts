import type { Json } from '../../model/json.ts';
import type { Sent } from './running-step.ts';
import { printState } from './state-text.ts';
import type {
  AnyTransformer,
  KeyedTransformer,
  StatelessTransformer,
  States,
  TableResult,
  TableTransformer,
} from './transformer.ts';

/** What a watched transformer did wrong: a law's id and words. */
export interface Breach {
  readonly law: 'no-mutation' | 'nothing-vanishes';
  readonly message: string;
}

// biome-ignore lint/suspicious/noExplicitAny: any transformer is watched, whatever its parameters and states are.
type Hidden = any;

/**
 * The same transformer, with every call looked at from both sides: what was handed in must print the same afterwards, and an item must
 * leave a trace. Breaches are collected and not thrown, since a transformer may catch what it throws.
 */
export function watched(transformer: AnyTransformer, breaches: Breach[]): AnyTransformer {
  if (transformer.scope === 'key') return watchedKeyed(transformer, breaches);
  if (transformer.scope === 'partition') return watchedTable(transformer, breaches);
  const stateless: StatelessTransformer<Hidden> = {
    ...transformer,
    step: (parameters, item) => {
      const result = unchanged(breaches, 'step', [item], () => transformer.step(parameters, item));
      return traced(breaches, 'step', result, false);
    },
  };
  return stateless;
}

function watchedKeyed(transformer: KeyedTransformer<Hidden, Hidden>, breaches: Breach[]): KeyedTransformer<Hidden, Hidden> {
  const { due } = transformer;
  return {
    ...transformer,
    step: (parameters, state, item, time) => {
      const result = unchanged(breaches, 'step', [state, item], () => transformer.step(parameters, state, item, time));
      return traced(breaches, 'step', result, result.state !== (state ?? null));
    },
    ...(due === undefined
      ? {}
      : {
          due: (parameters, state, key, time) => {
            const result = unchanged(breaches, 'due', [state, key], () => due.call(transformer, parameters, state, key, time));
            return traced(breaches, 'due', result, result.state !== null || transformer.forgets?.(state) === true);
          },
        }),
  };
}

function watchedTable(transformer: TableTransformer<Hidden, Hidden>, breaches: Breach[]): TableTransformer<Hidden, Hidden> {
  const { flush } = transformer;
  const all = (states: States<unknown>) => [...states.entries()];
  return {
    ...transformer,
    step: (parameters, states, item, time) => {
      const result = unchanged(breaches, 'step', [all(states), item], () => transformer.step(parameters, states, item, time));
      return traced(breaches, 'step', result, result.writes.length > 0);
    },
    ...(flush === undefined
      ? {}
      : {
          flush: (parameters, states, time) => {
            const result = unchanged(breaches, 'flush', all(states), () => flush.call(transformer, parameters, states, time));
            const holdsItem = (key: string) => states.get(key) !== undefined && transformer.forgets?.(states.get(key)) !== true;
            return traced(breaches, 'flush', result, !removed(result).some(holdsItem));
          },
        }),
  };
}

function removed({ writes }: TableResult<unknown>): string[] {
  return writes.filter(([, state]) => state === null).map(([key]) => key);
}

function unchanged<T>(breaches: Breach[], call: string, given: readonly unknown[], run: () => T): T {
  const print = () => given.map((value) => (value === undefined ? '' : printState(value as Json))).join('\n');
  const before = print();
  try {
    return run();
  } finally {
    if (print() !== before) breaches.push({ law: 'no-mutation', message: `${call} changed what it was handed` });
  }
}

function traced<T extends Sent>(breaches: Breach[], call: string, result: T, isHeld: boolean): T {
  const counted = result.dropped?.some(({ count }) => count > 0) === true || result.failed !== undefined;
  if (result.out.length === 0 && !counted && !isHeld)
    breaches.push({ law: 'nothing-vanishes', message: `${call} neither emitted, held nor counted what it was given` });
  return result;
}
