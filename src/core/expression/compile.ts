import type { JsonObject } from '../../model/json.ts';
import {
  add,
  bitwise,
  divide,
  floorDivide,
  invert,
  list,
  modulo,
  multiply,
  negate,
  plus,
  power,
  subtract,
} from './arithmetic.ts';
import { contains, equal, ordered, same } from './comparison.ts';
import { failure } from './failure.ts';
import type { Node } from './parse.ts';
import { isFloat, isNamespace, numberOf, truthy, typeName, unknown, type Value } from './value.ts';

export type Evaluate = (names: JsonObject) => Value;

/** A closure per node, made once at load: nothing is allocated for the language itself while it runs. */
export function compile(node: Node): Evaluate {
  switch (node.kind) {
    case 'literal': {
      const { value } = node;
      return () => value;
    }
    case 'name': {
      const { name } = node;
      return (names) => (Object.hasOwn(names, name) ? (names[name] as Value) : unknown);
    }
    case 'list': {
      const elements = node.elements.map(compile);
      return (names) => list(elements.map((element) => element(names)));
    }
    case 'attribute': {
      const of = compile(node.of);
      return (names) => attribute(of(names), node.name);
    }
    case 'subscript': {
      const [of, index] = [compile(node.of), compile(node.index)];
      return (names) => subscript(of(names), index(names));
    }
    case 'call': {
      const of = compile(node.of);
      return (names) => {
        throw failure('TypeError', `'${typeName(of(names))}' object is not callable`);
      };
    }
    case 'unary':
      return compileUnary(node.operator, compile(node.of));
    case 'binary':
      return compileBinary(node.operator, compile(node.left), compile(node.right));
    case 'comparison':
      return compileComparison(compile(node.first), node.rest);
    case 'conditional': {
      const [test, then, otherwise] = [compile(node.test), compile(node.then), compile(node.otherwise)];
      return (names) => (truthy(test(names)) ? then(names) : otherwise(names));
    }
  }
}

function compileUnary(operator: string, of: Evaluate): Evaluate {
  if (operator === 'not') return (names) => !truthy(of(names));
  const apply = operator === '-' ? negate : operator === '+' ? plus : invert;
  return (names) => apply(of(names));
}

const binaries: Readonly<Record<string, (a: Value, b: Value) => Value>> = {
  '+': add,
  '-': subtract,
  '*': multiply,
  '/': divide,
  '//': floorDivide,
  '%': modulo,
  '**': power,
  '&': (a, b) => bitwise('&', a, b),
  '|': (a, b) => bitwise('|', a, b),
  '^': (a, b) => bitwise('^', a, b),
  '<<': (a, b) => bitwise('<<', a, b),
  '>>': (a, b) => bitwise('>>', a, b),
};

function compileBinary(operator: string, left: Evaluate, right: Evaluate): Evaluate {
  if (operator === 'and') {
    return (names) => {
      const value = left(names);
      return truthy(value) ? right(names) : value;
    };
  }
  if (operator === 'or') {
    return (names) => {
      const value = left(names);
      return truthy(value) ? value : right(names);
    };
  }
  const apply = binaries[operator] as (a: Value, b: Value) => Value;
  return (names) => apply(left(names), right(names));
}

const tests: Readonly<Record<string, (a: Value, b: Value) => boolean>> = {
  '<': (a, b) => ordered('<', a, b),
  '<=': (a, b) => ordered('<=', a, b),
  '>': (a, b) => ordered('>', a, b),
  '>=': (a, b) => ordered('>=', a, b),
  '==': equal,
  '!=': (a, b) => !equal(a, b),
  in: (a, b) => contains(b, a),
  'not in': (a, b) => !contains(b, a),
  is: same,
  'is not': (a, b) => !same(a, b),
};

function compileComparison(first: Evaluate, rest: readonly (readonly [string, Node])[]): Evaluate {
  const links = rest.map(([operator, operand]) => ({
    test: tests[operator] as (a: Value, b: Value) => boolean,
    operand: compile(operand),
  }));
  return (names) => {
    let left = first(names);
    for (const { test, operand } of links) {
      const right = operand(names);
      if (!test(left, right)) return false;
      left = right;
    }
    return true;
  };
}

function attribute(of: Value, name: string): Value {
  if (isNamespace(of)) return Object.hasOwn(of, name) ? (of[name] as Value) : unknown;
  const number = numberOf(of);
  if (number !== undefined) {
    if (name === 'real' || (name === 'numerator' && !isFloat(number))) return number;
    if (name === 'imag') return isFloat(number) ? zeroFloat : 0;
    if (name === 'denominator' && !isFloat(number)) return 1;
  }
  throw failure('AttributeError', `'${typeName(of)}' object has no attribute '${name}'`);
}

const zeroFloat = multiply(0, 0.5);

function subscript(of: Value, index: Value): Value {
  if (isNamespace(of)) return typeof index === 'string' && Object.hasOwn(of, index) ? (of[index] as Value) : unknown;
  if (!Array.isArray(of) && typeof of !== 'string') throw failure('TypeError', `'${typeName(of)}' object is not subscriptable`);
  const number = numberOf(index);
  if (number === undefined || isFloat(number)) throw failure('TypeError', `indices must be integers, not ${typeName(index)}`);
  const elements: readonly Value[] = typeof of === 'string' ? [...of] : of;
  const at = Number(number) < 0 ? elements.length + Number(number) : Number(number);
  const value = elements[at];
  if (value === undefined) throw failure('IndexError', 'index out of range');
  return value;
}
