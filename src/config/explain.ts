import { z } from 'zod';
import { Float, type Json } from '../model/json.ts';
import type { Problem } from './problem.ts';
import { nearest, suggestion } from './suggest.ts';
import type { YamlDocument } from './yaml-document.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/**
 * Parses the part of a document at `prefix` with a schema. What the schema refuses is added to `problems` with its place in the file and
 * `undefined` is returned.
 */
export function parseAt<T>(
  schema: z.ZodType<T>,
  value: unknown,
  document: YamlDocument,
  prefix: Path,
  problems: Problem[],
  alsoKnown: readonly string[] = [],
): T | undefined {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) problems.push(...explain(issue, { schema, value, document, prefix, alsoKnown }));
  // A schema that is not zod's may refuse without saying why.
  if (parsed.error.issues.length === 0) problems.push(document.problem(prefix, 'refused by its schema'));
  return undefined;
}

interface Place {
  readonly schema: z.ZodType;
  readonly value: unknown;
  readonly document: YamlDocument;
  readonly prefix: Path;
  /** Keys that may stand beside the schema's own, for suggestions. */
  readonly alsoKnown: readonly string[];
}

function explain(issue: Issue, place: Place): Problem[] {
  const { schema, value, document, prefix } = place;
  const path = [...prefix, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = [...keysAt(schema, issue.path), ...(issue.path.length === 0 ? place.alsoKnown : [])];
      return issue.keys.map((key) => document.problem([...path, key], `unknown key "${key}"`, suggestion(key, known), 'key'));
    }
    case 'invalid_value': {
      const found = valueAt(value, issue.path);
      const values = issue.values.map(String);
      const near = typeof found === 'string' ? nearest(found, values) : undefined;
      const hint = near === undefined ? null : `did you mean "${near}"?`;
      if (!/^Invalid (?:input|option)/.test(issue.message)) return [document.problem(path, issue.message, hint)];
      return [document.problem(path, `${describe(found)}, expected ${listed(values)}`, hint)];
    }
    case 'invalid_type': {
      if (!issue.message.startsWith('Invalid input')) return [document.problem(path, issue.message)];
      const found = describe(valueAt(value, issue.path));
      return [document.problem(path, `${found}, expected ${kindWord(issue.expected)}`)];
    }
    case 'invalid_union': {
      const branch = likeliest(issue.errors);
      if (branch !== undefined)
        return branch.flatMap((inner) => explain({ ...inner, path: [...issue.path, ...inner.path] } as Issue, place));
      const expected = issue.errors.flat().map(expectation);
      return [document.problem(path, `${describe(valueAt(value, issue.path))}, expected ${listed([...new Set(expected)])}`)];
    }
    case 'invalid_key':
      return [
        document.problem(path, `not a key that may stand here: ${issue.issues.map((i) => i.message).join(', ')}`, null, 'key'),
      ];
    default:
      return [document.problem(path, lowerFirst(issue.message))];
  }
}

// Of the branches of a union, the one that fitted at its root and fails further in; else nobody can tell which was meant.
function likeliest(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const inner = branches.filter(
    (branch) => branch.length > 0 && branch.every((issue) => issue.path.length > 0 || isDetail(issue)),
  );
  return inner.sort((a, b) => a.length - b.length)[0];
}

function isDetail(issue: Issue): boolean {
  return issue.code !== 'invalid_type' && issue.code !== 'invalid_value' && issue.code !== 'invalid_union';
}

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_type') return kindWord(issue.expected);
  if (issue.code === 'invalid_value') return listed(issue.values.map(String));
  return lowerFirst(issue.message);
}

/** The keys a schema knows at a path, looked up in its JSON Schema (public, unlike zod's insides). */
export function keysAt(schema: z.ZodType, path: Path): string[] {
  type Node = { properties?: Record<string, Node>; items?: Node; prefixItems?: Node[]; additionalProperties?: Node } & Partial<
    Record<'anyOf' | 'oneOf' | 'allOf', Node[]>
  >;
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as Node;
  const alternatives = (node: Node): Node[] => [
    node,
    ...[...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])].flatMap(alternatives),
  ];
  let nodes = alternatives(root);
  for (const step of path) {
    nodes = nodes
      .map((node) =>
        typeof step === 'number'
          ? (node.prefixItems?.[step] ?? node.items)
          : (node.properties?.[String(step)] ?? node.additionalProperties),
      )
      .filter((node): node is Node => typeof node === 'object' && node !== null)
      .flatMap(alternatives);
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) return undefined;
    current = (current as Record<PropertyKey, unknown>)[step];
  }
  return current;
}

/** What stands in the file, in the words of a person. */
export function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'empty';
  if (typeof value === 'string') return `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`;
  if (typeof value === 'boolean') return `${value}`;
  if (value instanceof Float) return `the number ${value.value}`;
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`;
  return Array.isArray(value) ? 'a list' : 'a mapping';
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  null: 'nothing',
};

function kindWord(kind: string): string {
  return words[kind] ?? kind;
}

function listed(values: readonly string[]): string {
  return values.length < 2 ? (values[0] ?? 'nothing') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

/** Numbers as JavaScript has them, for schemas that know nothing of exactness (everything but transformers' parameters). */
export function plain(value: Json): unknown {
  if (value instanceof Float) return value.value;
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

/** A key without a value (`admin:`) means its default. */
export function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutEmpty(member)]));
}
