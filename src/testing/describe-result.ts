import { formatProblem } from '../config/problem.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { printJson } from '../model/json-text.ts';
import type { Difference } from './run-case.ts';
import type { TestResult } from './run-tests.ts';

export function passes(result: TestResult): boolean {
  if (result.kind === 'case') return result.differences.length === 0;
  return result.kind === 'law' && result.law.breach === null;
}

/** What it is about, in one line. */
export function headline(result: TestResult): string {
  if (result.kind === 'case') return `${result.sink} › ${result.test.title}`;
  if (result.kind === 'law') return `${result.own.transformer.name} › ${result.law.says}`;
  return `${result.file} › cannot be run`;
}

/** Why it fails, for people: where it stands, then what was expected and what came. Empty when it passes. */
export function reasons(result: TestResult): readonly string[] {
  if (passes(result)) return [];
  if (result.kind === 'file') return result.problems.map(formatProblem);
  if (result.kind === 'law') {
    const { file, usedAt } = result.own;
    return [`${usedAt.file}:${usedAt.line}:${usedAt.column} uses ${file}`, result.law.breach ?? ''];
  }
  const { file, at } = result.test;
  return [`${file}:${at.line}:${at.column}`, ...result.differences.flatMap((each, i, all) => describe(file, each, all[i - 1]))];
}

function describe(file: string, difference: Difference, before: Difference | undefined): readonly string[] {
  const at = 'target' in difference ? `${difference.target}: ` : '';
  switch (difference.kind) {
    case 'field': {
      const { item, line, field, expected, got } = difference;
      const shown = before?.kind === 'field' && before.item === item && before.target === difference.target;
      const values = [`  ${field}`, `    expected ${printJson(expected)}`, `    got      ${shownValue(got)}`];
      return shown ? values : [`${at}item ${item} (${file}:${line}) is another`, ...values];
    }
    case 'missing':
      return [
        `${at}item ${difference.item} (${file}:${difference.line}) did not come`,
        `  expected ${printJson(difference.expected)}`,
      ];
    case 'unexpected':
      return [`${at}one more came than was expected`, `  got ${printJson(difference.got)}`];
    case 'failed':
      return [`${at}it cannot be published`, `  it says: ${difference.message}`];
    default: {
      const { kind, reason, expected, got, message } = difference;
      const why = message === undefined ? [] : [`  it says: ${message}`];
      return [`${kind}: ${reason}`, `  expected ${expected}`, `  got      ${got}`, ...why];
    }
  }
}

function shownValue(value: Json | undefined): string {
  return value === undefined ? 'nothing' : printJson(value);
}

/** The same for programs. */
export function toJson(result: TestResult): JsonObject {
  const ok = passes(result);
  if (result.kind === 'file') {
    const problems = result.problems.map((problem) => ({ ...problem }));
    return { kind: 'file', ok, file: result.file, problems };
  }
  if (result.kind === 'law') {
    const { own, law } = result;
    return {
      kind: 'law',
      ok,
      transformer: own.transformer.name,
      title: law.says,
      ...own.usedAt,
      module: own.file,
      breach: law.breach,
    };
  }
  const { sink, test, differences } = result;
  const { title, file, at } = test;
  const told = differences.map((difference) =>
    Object.fromEntries(Object.entries(difference).map(([key, value]): [string, Json] => [key, value ?? null])),
  );
  return { kind: 'case', ok, sink, title, file, line: at.line, column: at.column, differences: told };
}
