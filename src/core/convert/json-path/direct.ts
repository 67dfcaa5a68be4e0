import { isObject, type Json, type JsonObject } from '../../../model/json.ts';
import { pySplit } from '../../python/text.ts';
import type { Path } from './grammar.ts';

// Nine paths in ten are names joined by dots, a union of such, or one with a `split` at its end. Followed directly they cost a
// tenth of the general way, and they cannot raise, so a union may stop at its first hit.

type Getter = (document: Json) => Json;
type Chain = readonly string[];

const mostChains = 16;

/** The first value that is not null, for paths simple enough; undefined for all others. */
export function directGetter(path: Path): Getter | undefined {
  if (path.kind === 'child' && path.right.kind === 'split') return splitGetter(path.left, path.right);
  const chains = toChains(path);
  if (chains === undefined) return undefined;
  const [first, second, ...rest] = chains.map(compileChain);
  if (first === undefined) return undefined;
  if (second === undefined) return (document) => first(document) ?? null;
  if (rest.length === 0) return (document) => first(document) ?? second(document) ?? null;
  return (document) => {
    let value = first(document) ?? second(document);
    for (const chain of rest) value ??= chain(document);
    return value ?? null;
  };
}

function splitGetter(left: Path, { separator, segment, most }: Path & { kind: 'split' }): Getter | undefined {
  const chains = toChains(left);
  const [chain] = chains ?? [];
  if (chain === undefined || chains?.length !== 1) return undefined;
  const get = compileChain(chain);
  return (document) => {
    const value = get(document);
    return typeof value === 'string' ? (pySplit(value, separator, most)[segment] ?? null) : null;
  };
}

/** The chains whose first hits, one after the other, are the path's matches. */
function toChains(path: Path): readonly Chain[] | undefined {
  if (path.kind === 'root') return [[]];
  if (path.kind === 'fields') return path.names.includes('*') ? undefined : path.names.map((name) => [name]);
  if (path.kind !== 'union' && path.kind !== 'child') return undefined;
  if (path.kind === 'child' && mentionsRoot(path.right)) return undefined; // `$` on the right starts again at the top
  const [left, right] = [toChains(path.left), toChains(path.right)];
  if (left === undefined || right === undefined) return undefined;
  const chains = path.kind === 'union' ? [...left, ...right] : left.flatMap((head) => right.map((tail) => [...head, ...tail]));
  return chains.length > mostChains ? undefined : chains;
}

function mentionsRoot(path: Path): boolean {
  if (path.kind === 'root') return true;
  return (path.kind === 'child' || path.kind === 'union') && (mentionsRoot(path.left) || mentionsRoot(path.right));
}

// Names that something other than a plain object's own key could answer to; they are looked up the careful way.
const inherited = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  ...Object.getOwnPropertyNames(Array.prototype),
  'value', // of a Float
]);
const isPlainName = (name: string): boolean => !inherited.has(name) && !/^\d/.test(name);

type Follow = (value: Json) => Json | undefined;

function compileChain(chain: Chain): Follow {
  const [a, b, c] = chain;
  if (a === undefined) return (document) => document;
  if (!chain.every(isPlainName)) return (document) => follow(document, chain);
  if (b === undefined) return (document) => child(document, a);
  if (c === undefined) return (document) => child(child(document, a), b);
  if (chain.length === 3) return (document) => child(child(child(document, a), b), c);
  return (document) => chain.reduce(child, document as Json | undefined);
}

/** Only for plain names: whatever else an object may be, it has no such key. */
function child(value: Json | undefined, name: string): Json | undefined {
  return typeof value === 'object' && value !== null ? (value as JsonObject)[name] : undefined;
}

function follow(document: Json, chain: Chain): Json | undefined {
  let value: Json | undefined = document;
  for (const name of chain) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}
