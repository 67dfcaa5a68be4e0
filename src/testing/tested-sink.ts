import { dirname, join, resolve } from 'node:path';
import type { Problem } from '../config/problem.ts';
import { readYamlFile } from '../config/read-file.ts';
import { shipped } from '../config/registries.ts';
import type { SinkConfig } from '../config/sink-config.ts';
import { readSink } from '../config/sink-file.ts';
import { UseEntry } from '../config/sink-schema.ts';
import { YamlDocument } from '../config/yaml-document.ts';
import type { AnyTransformer } from '../core/transformers/transformer.ts';
import { isObject, type Json } from '../model/json.ts';

export interface TestedSink {
  readonly config: SinkConfig;
  readonly own: readonly OwnModule[];
}

/** An operator's own transformer, and where the sink names it. */
export interface OwnModule {
  readonly file: string;
  readonly transformer: AnyTransformer;
  readonly parameters: unknown;
  readonly usedAt: { readonly file: string; readonly line: number; readonly column: number };
}

/**
 * The sink of a file as a test runs it. Where its results go is looked at only where a case says what its targets get: the machine that runs
 * the others need not have the secrets. `ceilograph check` looks at that.
 */
export async function readTestedSink(file: string, withTargets: boolean, problems: Problem[]): Promise<TestedSink | null> {
  const { document, problems: found } = await readYamlFile(file);
  problems.push(...found);
  if (document === null) return null;
  const context = {
    registries: shipped,
    env: withTargets ? process.env : {},
    baseDir: dirname(resolve(file)),
    secrets: new Set<string>(),
    coordinated: false,
  };
  const config = await readSink(withTargets ? document : publishingNowhere(document), context, problems);
  return config === null ? null : { config, own: ownModules(document, config) };
}

function publishingNowhere(document: YamlDocument): YamlDocument {
  if (!isObject(document.value)) return document;
  return new YamlDocument(document.file, { ...document.root, value: { ...document.value, publish: ['stdout'] } });
}

function ownModules(document: YamlDocument, { steps }: SinkConfig): OwnModule[] {
  const entries = (document.value as { readonly transform?: readonly Json[] }).transform ?? [];
  return steps.flatMap(({ transformer, parameters }, i) => {
    const entry = UseEntry.safeParse(entries[i]);
    if (!entry.success) return [];
    const usedAt = { file: document.file, ...document.locate(['transform', i]) };
    return [{ file: join(dirname(document.file), entry.data.use), transformer, parameters, usedAt }];
  });
}
