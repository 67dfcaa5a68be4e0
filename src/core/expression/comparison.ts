import { Float, type Numeric } from '../../model/json.ts';
import { failure } from './failure.ts';
import { isNamespace, numberOf, typeName, type Value } from './value.ts';

/** Python's `==`: numbers by value across int, float and bool, lists element by element, namespaces by identity. */
export function equal(a: Value, b: Value): boolean {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return sameNumber(bare(x), bare(y));
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((element, i) => equal(element as Value, b[i] as Value));
  return a === b;
}

/** Python's `<`, `<=`, `>`, `>=`; exact between ints and floats of any size. */
export function ordered(operator: '<' | '<=' | '>' | '>=', a: Value, b: Value): boolean {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return holds(operator, bare(x), bare(y));
  if (typeof a === 'string' && typeof b === 'string') return holds(operator, a, b);
  throw failure('TypeError', `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

function holds<T extends number | bigint | string>(operator: string, a: T, b: T): boolean {
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  return operator === '>' ? a > b : a >= b;
}

function sameNumber(a: number | bigint, b: number | bigint): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: == compares a number with a bigint by value, === never calls them equal
  return a == b;
}

function bare(value: Numeric): number | bigint {
  return value instanceof Float ? value.value : value;
}

/** `in`: of a list, a part of a text, a key of a namespace (where Ceilometer's Python searched for ever). */
export function contains(container: Value, element: Value): boolean {
  if (Array.isArray(container)) return container.some((candidate) => equal(candidate as Value, element));
  if (typeof container === 'string') {
    if (typeof element !== 'string')
      throw failure('TypeError', `'in <string>' requires string as left operand, not ${typeName(element)}`);
    return container.includes(element);
  }
  if (isNamespace(container)) return typeof element === 'string' && Object.hasOwn(container, element);
  throw failure('TypeError', `argument of type '${typeName(container)}' is not iterable`);
}

/** Python's `is`, for what an expression can sensibly ask: None, True, False, the same object. */
export function same(a: Value, b: Value): boolean {
  return typeof a === typeof b && (numberOf(a) === undefined || typeof a === 'boolean' ? a === b : equal(a, b));
}
