import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { agentJsonSchema, pipelineJsonSchema } from '../../../src/config/json-schema.ts';
import { referencePages } from '../../../src/config/reference-page.ts';
import { shipped } from '../../../src/config/registries.ts';

const committed = (file: string) => readFileSync(fileURLToPath(new URL(`../../../${file}`, import.meta.url)), 'utf8');

describe('what is generated from the schemas', () => {
  it.each([
    ['schema/agent.schema.json', agentJsonSchema(shipped)],
    ['schema/pipeline.schema.json', pipelineJsonSchema(shipped)],
  ])('%s equals the code (npm run generate writes it)', (file, schema) => {
    expect(committed(file)).toBe(`${JSON.stringify(schema, null, 2)}\n`);
  });

  it.each(
    Object.entries(referencePages(shipped)),
  )('docs/reference/%s equals the code (npm run generate writes it)', (name, text) => {
    expect(committed(`docs/reference/${name}`)).toBe(text);
  });

  it('has a description for every key of our own files', () => {
    const undescribed = Object.values({ agent: agentJsonSchema(shipped), pipeline: pipelineJsonSchema(shipped) }).flatMap(
      (schema) =>
        Object.entries(schema.properties ?? {})
          .filter(
            ([key, { description, properties }]) =>
              !['transform', 'publish'].includes(key) && description === undefined && properties === undefined,
          )
          .map(([key]) => key),
    );

    expect(undescribed).toEqual([]);
  });
});
