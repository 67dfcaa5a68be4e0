import { createReadStream } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { parseAt, plain } from '../config/explain.ts';
import type { Problem } from '../config/problem.ts';
import { readable, readYamlFile } from '../config/read-file.ts';
import type { YamlDocument } from '../config/yaml-document.ts';
import { parseEventTime } from '../core/transformers/event-time.ts';
import { readLines } from '../lib/read-lines.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { Given, TestCase } from './test-case.ts';
import { PipelineTest } from './test-schema.ts';

const maxLineBytes = 8 * 1024 * 1024;

/** The cases of one test file. What is wrong with the file is added to `problems`, all of it. */
export async function readTests(file: string, problems: Problem[]): Promise<readonly TestCase[]> {
  const { document, problems: found } = await readYamlFile(file);
  problems.push(...found);
  if (document === null) return [];
  const cases = parseAt(PipelineTest, plain(document.value), document, [], problems);
  if (cases === undefined) return [];
  return await Promise.all(cases.map((each, i) => toTestCase(each, document, i, problems)));
}

type WrittenCase = z.output<typeof PipelineTest>[number];

async function toTestCase(written: WrittenCase, document: YamlDocument, i: number, problems: Problem[]): Promise<TestCase> {
  const given: Given[] = [];
  for (const [j, step] of written.given.entries()) {
    const path = [i, 'given', j];
    if (step.pass !== undefined) given.push({ kind: 'pass', ms: step.pass });
    else if (step.file !== undefined) given.push(...(await readRecorded(step.file, document, [...path, 'file'], problems)));
    else
      for (const kind of ['notification', 'sample', 'event'] as const) {
        for (const fields of mappingsAt(document, [...path, `${kind}s`])) given.push({ kind, fields });
      }
  }
  return {
    title: written.title,
    file: document.file,
    at: document.locate([i]),
    clock: written.at === undefined ? null : parseEventTime(written.at),
    given,
    expect: mappingsAt(document, [i, 'expect']).map((fields, k) => ({ line: document.locate([i, 'expect', k]).line, fields })),
    unordered: written.unordered,
    within: written.within ?? null,
    dropped: written.dropped ?? null,
    deadLetters: written.dead_letters,
    published: Object.entries(written.published).map(([target, sent]) => {
      const path = [i, 'published', target];
      return {
        target,
        at: document.locate(path, 'key'),
        expect: mappingsAt(document, path).map(({ answer: _, ...fields }, k) => ({
          line: document.locate([...path, k]).line,
          fields,
        })),
        answers: sent.map(({ answer }) => answer ?? null),
      };
    }),
  };
}

/** The schema has seen that these are mappings; here they are with every digit. */
function mappingsAt(document: YamlDocument, path: readonly (string | number)[]): readonly JsonObject[] {
  let value: Json | undefined = document.value;
  for (const step of path) value = (value as Readonly<Record<string | number, Json>> | undefined)?.[step];
  return (value ?? []) as readonly JsonObject[];
}

async function readRecorded(
  name: string,
  document: YamlDocument,
  path: readonly PropertyKey[],
  problems: Problem[],
): Promise<readonly Given[]> {
  const given: Given[] = [];
  try {
    const stream = createReadStream(resolve(dirname(document.file), name));
    for await (const { bytes } of readLines(stream, maxLineBytes)) given.push({ kind: 'bytes', bytes });
  } catch (error) {
    problems.push(document.problem(path, `${name} cannot be read: ${readable(error)}`));
  }
  return given;
}
