import { Argument, Command } from 'commander';
import { agentJsonSchema, pipelineJsonSchema } from '../../config/json-schema.ts';
import { shipped } from '../../config/registries.ts';

export function schemaCommand(): Command {
  return new Command('schema')
    .description('Print the JSON Schema (draft 7) of a configuration file, for editors and other tools.')
    .addArgument(new Argument('<file>', 'which file').choices(['agent', 'pipeline']))
    .addHelpText('after', '\nExamples:\n  ceilograph schema pipeline > pipeline.schema.json\n')
    .action((file: 'agent' | 'pipeline') => {
      const schema = file === 'agent' ? agentJsonSchema(shipped) : pipelineJsonSchema(shipped);
      process.stdout.write(`${JSON.stringify(schema, null, 2)}\n`);
    });
}
