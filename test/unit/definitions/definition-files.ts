import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readYaml } from '../../../src/config/yaml-document.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';

export const definitionsDir = fileURLToPath(new URL('../../../pipelines/definitions/', import.meta.url));

export interface DefinitionFile {
  /** `meters/nova.yaml` */
  readonly path: string;
  readonly text: string;
  readonly problems: readonly string[];
  readonly definitions: readonly JsonObject[];
}

/** The files of one kind in the order an agent reads them. */
export function definitionFiles(kind: 'meters' | 'events'): readonly DefinitionFile[] {
  return readdirSync(`${definitionsDir}${kind}`)
    .sort()
    .map((name) => {
      const path = `${kind}/${name}`;
      const text = readFileSync(`${definitionsDir}${path}`, 'utf8');
      const { document, problems } = readYaml(text, path);
      const root = document?.value as JsonObject | Json[] | undefined;
      const definitions = Array.isArray(root) ? root : root?.['metric'];
      return {
        path,
        text,
        problems: problems.map((problem) => problem.message),
        definitions: (definitions ?? []) as JsonObject[],
      };
    });
}
