import { isObject, type Json } from '../../../model/json.ts';
import { isEqual, isLess, pySorted } from '../../python/compare.ts';
import { calculate, isInt, pyInt } from '../../python/number.ts';
import { PythonError } from '../../python/python-error.ts';
import { mostSteps, type Steps } from '../../python/regex/machine.ts';
import { compilePattern } from '../../python/regex/pattern.ts';
import { pyCharacter, pyLength, pySplit } from '../../python/text.ts';
import type { Condition, FilterOperator, Operand, Path } from './grammar.ts';

// jsonpath-rw's evaluation, exceptions included: a TypeError that Ceilometer would requeue on is thrown here as a PythonError.

/** A matched value and where it was found; `context` leads to the root, for `$` and `parent` inside a path. */
export interface Datum {
  readonly value: Json;
  /** The last step as jsonpath-rw spells it: `name` or `[0]`. */
  readonly step: string;
  readonly context: Datum | null;
}

/** What a step found. `unlisted` is Python's bare datum where a list was due: true as a condition, an error to iterate. */
type Found = readonly (Datum | null)[] | 'unlisted';
/** `fresh` marks the document itself before any step, which `sorted` and some others cannot handle. */
type Step = (datum: Datum | null, budget: Budget) => Found;

/** What one evaluation may take in all: an operator's path is run on a stranger's payload. */
interface Budget {
  /** Values found, and elements of computed lists. */
  matches: number;
  readonly steps: Steps;
}
const mostMatches = 100_000;

export type FindAll = (document: Json) => readonly (Datum | null)[];

/** Compiles a path to closures. Calling it throws PythonError where Python raises. */
export function compilePath(path: Path): FindAll {
  const step = compile(path);
  return (document) =>
    each(step({ value: document, step: '', context: null }, { matches: mostMatches, steps: { left: mostSteps } }));
}

/** Whether a path calls attributes of the bare document at its very first step: Python fails there, whatever the document. */
export function failsOnDocument(path: Path): boolean {
  if (path.kind === 'sorted' || path.kind === 'sort') return true;
  if (path.kind === 'child' || path.kind === 'where' || path.kind === 'descendants') return failsOnDocument(path.left);
  if (path.kind === 'union') return failsOnDocument(path.left) || failsOnDocument(path.right);
  if (path.kind !== 'operation') return false;
  return [path.left, path.right].some((operand) => 'path' in operand && failsOnDocument(operand.path));
}

function each(found: Found): readonly (Datum | null)[] {
  if (found === 'unlisted') throw new PythonError('TypeError', "'DatumInContext' object is not iterable");
  return found;
}

function root(value: Json): Datum {
  return { value, step: '', context: null };
}

function spend(budget: Budget, count: number): void {
  budget.matches -= count;
  if (budget.matches < 0) throw new PythonError('MemoryError', `a path may match ${mostMatches} values at most`);
}

function compile(path: Path): Step {
  switch (path.kind) {
    case 'root':
      return (datum) => {
        let top = datum;
        while (top !== null && top.context !== null) top = top.context;
        return [root(top === null ? null : top.value)];
      };
    case 'this':
      return (datum) => [datum ?? root(null)];
    case 'parent':
      return (datum) => [datum === null ? null : datum.context];
    case 'child':
      return compileChild(compile(path.left), compile(path.right));
    case 'descendants':
      return compileDescendants(compile(path.left), compile(path.right));
    case 'where': {
      const [left, right] = [compile(path.left), compile(path.right)];
      return (datum, budget) =>
        each(left(datum, budget)).filter((match) => {
          const found = right(match, budget);
          return found === 'unlisted' || found.length > 0;
        });
    }
    case 'union': {
      const [left, right] = [compile(path.left), compile(path.right)];
      return (datum, budget) => [...each(left(datum, budget)), ...each(right(datum, budget))];
    }
    case 'intersect':
      return () => {
        throw new PythonError('NotImplementedError', '& between paths');
      };
    case 'fields':
      return compileFields(path.names);
    case 'index':
      return compileIndex(path.index);
    case 'slice':
      return compileSlice(path.from, path.to);
    case 'filter':
      return compileFilter(path.conditions);
    case 'operation':
      return compileOperation(path);
    case 'len':
      return (datum) => {
        const value = datum?.value ?? null;
        if (typeof value === 'string') return [root(pyLength(value))];
        if (Array.isArray(value)) return [root(value.length)];
        return isObject(value) ? [root(Object.keys(value).length)] : [];
      };
    case 'sorted':
      return (datum) => {
        const value = heldBy(datum);
        if (Array.isArray(value)) return [root(pySorted(value))];
        return isObject(value) ? [root(pySorted(Object.keys(value)))] : 'unlisted';
      };
    case 'sort':
      return compileSort(path.by);
    case 'split':
      return (datum) => {
        const value = datum?.value;
        const part = typeof value === 'string' ? pySplit(value, path.separator, path.most)[path.segment] : undefined;
        return part === undefined ? [] : [root(part)];
      };
    case 'sub':
      return (datum, budget) => {
        const value = datum?.value;
        if (typeof value !== 'string') throw new PythonError('TypeError', 'expected string or bytes-like object');
        const replaced = path.pattern.replace(path.replacement, value, budget.steps);
        return replaced === value ? [] : [root(replaced)];
      };
  }
}

/** `datum.value` of Python, where the parent of the root is None. */
function heldBy(datum: Datum | null): Json {
  if (datum === null) throw new PythonError('AttributeError', "'NoneType' object has no attribute 'value'");
  return datum.value;
}

function compileChild(left: Step, right: Step): Step {
  return (datum, budget) => {
    const matches: (Datum | null)[] = [];
    for (const match of each(left(datum, budget))) {
      const found = each(right(match, budget));
      spend(budget, found.length + 1);
      for (const inner of found) matches.push(inner);
    }
    return matches;
  };
}

function compileDescendants(left: Step, right: Step): Step {
  const collect = (datum: Datum | null, matches: (Datum | null)[], budget: Budget): void => {
    const found = each(right(datum, budget));
    spend(budget, found.length + 1);
    matches.push(...found);
    const value = heldBy(datum);
    if (Array.isArray(value)) {
      value.forEach((inner, i) => {
        collect({ value: inner as Json, step: `[${i}]`, context: datum }, matches, budget);
      });
    } else if (isObject(value)) {
      for (const key of Object.keys(value)) collect({ value: value[key] as Json, step: key, context: datum }, matches, budget);
    }
  };
  return (datum, budget) => {
    const matches: (Datum | null)[] = [];
    for (const match of each(left(datum, budget))) collect(match, matches, budget);
    return matches;
  };
}

function compileFields(names: readonly string[]): Step {
  const any = names.includes('*');
  return (datum, budget) => {
    const value = datum?.value ?? null;
    if (!isObject(value)) return [];
    const matches: Datum[] = [];
    for (const name of any ? Object.keys(value) : names) {
      if (Object.hasOwn(value, name)) matches.push({ value: value[name] as Json, step: name, context: datum });
    }
    spend(budget, matches.length);
    return matches;
  };
}

function compileIndex(index: number): Step {
  const step = `[${index}]`;
  return (datum) => {
    const value = datum?.value ?? null;
    if (isObject(value)) {
      if (Object.keys(value).length > index) throw new PythonError('KeyError', `${index}`);
      return [];
    }
    if (typeof value !== 'string' && !Array.isArray(value)) throw new PythonError('TypeError', 'object has no len()');
    const length = typeof value === 'string' ? pyLength(value) : value.length;
    if (length <= index) return [];
    const found = typeof value === 'string' ? pyCharacter(value, index) : (value.at(index) as Json | undefined);
    if (found === undefined) throw new PythonError('IndexError', 'index out of range');
    return [{ value: found, step, context: datum }];
  };
}

function compileSlice(from: number | null, to: number | null): Step {
  return (datum, budget) => {
    const value = datum?.value ?? null;
    let list: Datum | null = datum;
    if (isObject(value) || typeof value === 'string' || typeof value === 'boolean' || isInt(value))
      list = { value: [value], step: datum?.step ?? '', context: datum?.context ?? null };
    const values = list?.value ?? null;
    if (!Array.isArray(values)) throw new PythonError('TypeError', 'object has no len()');
    const [start, end] = sliceBounds(from, to, values.length);
    const matches: Datum[] = [];
    for (let i = start; i < end; i++) matches.push({ value: values[i] as Json, step: `[${i}]`, context: list });
    spend(budget, matches.length);
    return matches;
  };
}

function sliceBounds(from: number | null, to: number | null, length: number): [start: number, end: number] {
  const bound = (value: number) => Math.min(length, Math.max(0, value < 0 ? length + value : value));
  return [bound(from ?? 0), bound(to ?? length)];
}

function compileFilter(conditions: readonly Condition[]): Step {
  const tests = conditions.map(compileCondition);
  return (datum, budget) => {
    const value = datum?.value ?? null;
    if (!Array.isArray(value)) return [];
    const matches: Datum[] = [];
    value.forEach((element, i) => {
      spend(budget, 1);
      // Every condition is evaluated, as Python does: a later one may raise.
      const passed = tests.filter((test) => test(root(element as Json), budget)).length;
      if (passed === tests.length) matches.push({ value: element as Json, step: `[${i}]`, context: datum });
    });
    return matches;
  };
}

function compileCondition({ path, compare }: Condition): (element: Datum, budget: Budget) => boolean {
  const target = compile(path);
  if (compare === undefined) {
    return (element, budget) => {
      const found = target(element, budget);
      return found === 'unlisted' || found.length > 0;
    };
  }
  const constant = compare.value;
  const test = comparison(compare.operator, constant);
  const wantsInt = isInt(constant) || typeof constant === 'boolean';
  return (element, budget) => {
    let any = false;
    for (const match of each(target(element, budget))) {
      const value = heldBy(match);
      if (value === null) continue;
      const converted = wantsInt ? toIntOrSkip(value) : value;
      if (converted !== undefined && test(converted, budget.steps)) any = true;
    }
    return any;
  };
}

/** `int(value)`; a text that is no number is passed over, anything else Python cannot convert raises. */
function toIntOrSkip(value: Json): Json | undefined {
  try {
    return pyInt(value);
  } catch (error) {
    if (error instanceof PythonError && error.kind === 'ValueError') return undefined;
    throw error;
  }
}

function comparison(operator: FilterOperator, constant: Json): (value: Json, steps: Steps) => boolean {
  switch (operator) {
    case '=':
    case '==':
      return (value) => isEqual(value, constant);
    case '!=':
      return (value) => !isEqual(value, constant);
    case '<':
      return (value) => isLess(value, constant);
    case '>':
      return (value) => isLess(constant, value);
    case '<=':
      return (value) => isLess(value, constant) || isEqual(value, constant);
    case '>=':
      return (value) => isLess(constant, value) || isEqual(value, constant);
    case '~':
      return matching(constant);
  }
}

/** Python compiles the pattern only when a value arrives: a bad one loads, and fails then. */
function matching(constant: Json): (value: Json, steps: Steps) => boolean {
  if (typeof constant !== 'string') {
    return () => {
      throw new PythonError('TypeError', 'first argument must be string or compiled pattern');
    };
  }
  try {
    const pattern = compilePattern(constant);
    return (value, steps) => {
      if (typeof value !== 'string') throw new PythonError('TypeError', 'expected string or bytes-like object');
      return pattern.matches(value, steps);
    };
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function compileOperation(path: Path & { kind: 'operation' }): Step {
  const { operator } = path;
  const [left, right] = [compileOperand(path.left), compileOperand(path.right)];
  return (datum, budget) => {
    const [a, b] = [left(datum, budget), right(datum, budget)];
    if (a !== undefined && b !== undefined && a.length !== b.length) return [];
    const count = a?.length ?? b?.length ?? 1;
    const results: Datum[] = [];
    try {
      for (let i = 0; i < count; i++) {
        const result = calculate(operator, operandAt(path.left, a, i), operandAt(path.right, b, i));
        spend(budget, Array.isArray(result) ? result.length : 1); // `list[*] * 1000000` on lists would come to gigabytes
        results.push(root(result));
      }
    } catch (error) {
      if (error instanceof PythonError && error.kind === 'TypeError') return [];
      throw error;
    }
    return results;
  };
}

/** The matches of a path operand; a constant has none. */
function compileOperand(operand: Operand): (datum: Datum | null, budget: Budget) => readonly (Datum | null)[] | undefined {
  if (!('path' in operand)) return () => undefined;
  const step = compile(operand.path);
  return (datum, budget) => each(step(datum, budget));
}

function operandAt(operand: Operand, matches: readonly (Datum | null)[] | undefined, i: number): Json {
  return 'path' in operand ? heldBy(matches?.[i] ?? null) : operand.constant;
}

function compileSort(by: readonly { readonly path: Path; readonly reverse: boolean }[]): Step {
  const keys = by.map(({ path, reverse }) => ({ step: compile(path), reverse }));
  return (datum, budget) => {
    const list = heldBy(datum);
    if (!Array.isArray(list)) return 'unlisted';
    const compare = (a: Json, b: Json): number => {
      for (const { step, reverse } of keys) {
        const [x, y] = [each(step(root(a), budget)), each(step(root(b), budget))];
        spend(budget, 1);
        if (x.length !== 1 || y.length !== 1) continue;
        const [left, right] = [heldBy(x[0] as Datum | null), heldBy(y[0] as Datum | null)];
        if (isEqual(left, right)) continue;
        return isLess(left, right) === reverse ? 1 : -1;
      }
      return 0;
    };
    return [root([...list].sort((a, b) => compare(a as Json, b as Json)))];
  };
}
