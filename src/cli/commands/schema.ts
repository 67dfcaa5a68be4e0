import { Argument, Command } from 'commander';
import { agentJsonSchema, pipelineJsonSchema } from '../../config/json-schema.ts';
import { shipped } from '../../config/registries.ts';
import { pipelineTestJsonSchema } from '../../testing/test-schema.ts';

const schemas = {
  agent: () => agentJsonSchema(shipped),
  pipeline: () => pipelineJsonSchema(shipped),
  'pipeline-test': () => pipelineTestJsonSchema(),
} as const;

export function schemaCommand(): Command {
  return new Command('schema')
    .description('Print the JSON Schema (draft 7) of a configuration file, for editors and other tools.')
    .addArgument(new Argument('<file>', 'which file').choices(Object.keys(schemas)))
    .addHelpText('after', '\nExamples:\n  ceilograph schema pipeline > pipeline.schema.json\n')
    .action((file: keyof typeof schemas) => {
      process.stdout.write(`${JSON.stringify(schemas[file](), null, 2)}\n`);
    });
}
