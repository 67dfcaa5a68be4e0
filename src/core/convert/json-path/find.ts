import type { Json } from '../../../model/json.ts';
import { PythonError } from '../../python/python-error.ts';
import { directGetter } from './direct.ts';
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
  const getter = directGetter(path);
  return getter === undefined ? slow : { ...slow, first: getter };
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
