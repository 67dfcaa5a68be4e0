import type { Problem } from '../config/problem.ts';
import type { SinkConfig } from '../config/sink-config.ts';
import type { Converter } from '../core/convert/converter.ts';
import { answering } from '../pipeline/mock-target.ts';
import type { PublisherKind } from '../publishers/publisher.ts';
import { readTests } from './read-tests.ts';
import { type Difference, runCase } from './run-case.ts';
import { type LawResult, runLaws } from './run-laws.ts';
import type { TestCase } from './test-case.ts';
import { type OwnModule, readTestedSink } from './tested-sink.ts';

/** A test file and the sink beside it. */
export interface TestFile {
  readonly file: string;
  readonly sinkFile: string;
}

/** What one line of the report is about. */
export type TestResult =
  | { readonly kind: 'case'; readonly sink: string; readonly test: TestCase; readonly differences: readonly Difference[] }
  | { readonly kind: 'law'; readonly own: OwnModule; readonly law: LawResult }
  /** The test file or its sink cannot be used. */
  | { readonly kind: 'file'; readonly file: string; readonly problems: readonly Problem[] };

export interface TestRun {
  readonly cluster: string;
  readonly converter: Converter;
  readonly publisherOf: (kind: string) => Promise<PublisherKind<unknown>>;
  /** Is a case or law wanted, by what it is about and its title? */
  readonly wanted: (about: string, title: string) => boolean;
}

/** Runs the files one after the other; a broken one does not keep the others from being run. */
export async function* runTests(files: readonly TestFile[], run: TestRun): AsyncGenerator<TestResult> {
  const held = new Set<string>();
  for (const { file, sinkFile } of files) {
    const problems: Problem[] = [];
    const tests = await readTests(file, problems);
    const withTargets = tests.some(({ published }) => published.length > 0);
    const tested = await readTestedSink(sinkFile, withTargets, problems);
    if (tested !== null) problems.push(...tests.flatMap((test) => unknownTargets(test, tested.config)));
    if (tested === null || problems.length > 0) {
      yield { kind: 'file', file, problems: problems.sort(byPlace) };
      continue;
    }
    const { sink } = tested.config;
    for (const test of tests) {
      if (!run.wanted(sink, test.title)) continue;
      const world = { cluster: run.cluster, sink: tested.config, converter: run.converter, publisherOf: run.publisherOf };
      yield { kind: 'case', sink, test, differences: await runCase(world, test) };
    }
    for (const own of tested.own) {
      const key = `${own.file}\n${JSON.stringify(own.parameters)}`;
      if (held.has(key)) continue;
      held.add(key);
      for (const law of runLaws(own)) if (run.wanted(own.transformer.name, law.says)) yield { kind: 'law', own, law };
    }
  }
}

function unknownTargets({ file, published }: TestCase, { sink, publish }: SinkConfig): readonly Problem[] {
  return published.flatMap(({ target, at, answers }) => {
    const found = publish.find(({ name }) => name === target);
    const problem = (message: string, hint: string) => [{ file, ...at, path: `published.${target}`, message, hint }];
    if (found === undefined)
      return problem(`the sink ${sink} has no target "${target}"`, `it has ${publish.map(({ name }) => name).join(', ')}`);
    if (answering.includes(found.kind) || answers.every((answer) => answer === null)) return [];
    return problem(`a target of the kind ${found.kind} gives no answers`, `${answering.join(', ')} do`);
  });
}

function byPlace(a: Problem, b: Problem): number {
  return a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column;
}
