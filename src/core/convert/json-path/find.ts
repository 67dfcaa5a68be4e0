import { isObject, type Json } from '../../../model/json.ts';
import { PythonError } from '../../python/python-error.ts';
import { compilePath, type Datum, type FindAll, failsOnDocument } from './evaluate.ts';
import type { Path } from './grammar.ts';
import { parsePath } from './parse.ts';

/** A compiled path. All three throw a PythonError where Python raises. */
export interface JsonPath {
  /** The first match that is not null, else null. */
  readonly first: (document: Json) => Json;
  /** All matches, null ones too. */
  readonly all: (document: Json) => readonly Json[];
  /** All matches that are not null, with their paths (`payload.nics[0].label`). */
  readonly withPaths: (document: Json) => readonly (readonly [path: string, value: Json])[];
}

const known = new Map<string, JsonPath>();
const mostKnown = 10_000;

/** Compiles a path once. Throws a fatal Fault `bad_path` for a path that does not load. */
export function jsonPath(text: string): JsonPath {
  const found = known.get(text);
  if (found !== undefined) return found;
  const compiled = compile(parsePath(text));
  if (known.size >= mostKnown) known.clear();
  known.set(text, compiled);
  return compiled;
}

function compile(path: Path): JsonPath {
  const slow = compileSlow(path);
  const chains = toChains(path);
  if (chains === undefined) return slow;
  const [only] = chains;
  if (only !== undefined && chains.length === 1) return { ...slow, first: (document) => follow(document, only) ?? null };
  return {
    ...slow,
    first: (document) => {
      for (const chain of chains) {
        const value = follow(document, chain);
        if (value !== undefined && value !== null) return value;
      }
      return null;
    },
  };
}

function compileSlow(path: Path): JsonPath {
  const find: FindAll = failsOnDocument(path) ? raise : compilePath(path);
  const all = (document: Json) => find(document).map(heldBy);
  return {
    first: (document) => all(document).find((value) => value !== null) ?? null,
    all: (document) => find(document).flatMap((datum) => (datum === null ? [] : [datum.value])),
    withPaths: (document) =>
      find(document).flatMap((datum) => (heldBy(datum) === null ? [] : [[pathOf(datum as Datum), heldBy(datum)] as const])),
  };
}

function raise(): never {
  throw new PythonError('AttributeError', "'dict' object has no attribute 'value'");
}

function heldBy(datum: Datum | null): Json {
  if (datum === null) throw new PythonError('AttributeError', "'NoneType' object has no attribute 'value'");
  return datum.value;
}

function pathOf(datum: Datum): string {
  const steps: string[] = [];
  for (let at = datum; at.context !== null; at = at.context) steps.unshift(at.step);
  return steps.join('.');
}

type Chain = readonly string[];

/**
 * Nine paths in ten are names joined by dots, or a union of such: followed directly, they cost a tenth of the general way and
 * cannot raise, so a union may stop at its first hit.
 */
function toChains(path: Path): readonly Chain[] | undefined {
  if (path.kind === 'union') {
    const [left, right] = [toChains(path.left), toChains(path.right)];
    return left === undefined || right === undefined ? undefined : [...left, ...right];
  }
  const chain = toChain(path);
  return chain === undefined ? undefined : [chain];
}

function toChain(path: Path): Chain | undefined {
  if (path.kind === 'root') return [];
  if (path.kind === 'fields') return path.names.length === 1 && path.names[0] !== '*' ? path.names : undefined;
  if (path.kind !== 'child' || path.right.kind === 'root') return undefined;
  const [left, right] = [toChain(path.left), toChain(path.right)];
  // A `$` to the right starts again at the top; leave that to the general way.
  return left === undefined || right === undefined || startsAtRoot(path.right) ? undefined : [...left, ...right];
}

function startsAtRoot(path: Path): boolean {
  return path.kind === 'root' || (path.kind === 'child' && startsAtRoot(path.left));
}

function follow(document: Json, chain: Chain): Json | undefined {
  let value: Json | undefined = document;
  for (const name of chain) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}
