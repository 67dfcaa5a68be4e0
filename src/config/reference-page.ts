import type { Example } from '../core/transformers/transformer.ts';
import { printJson } from '../model/json-text.ts';
import { settings } from './agent-settings.ts';
import { agentJsonSchema, inputCommon, type JsonSchema, pipelineJsonSchema, publisherCommon, schemaOf } from './json-schema.ts';
import type { Registries } from './registries.ts';

const generated = 'Written by `npm run generate` from the schemas that check the files; not to be edited.';

/** The reference, by file name: what every key means, its type and its default. The same schemas refuse what these pages do not list. */
export function referencePages(registries: Registries): Readonly<Record<string, string>> {
  return {
    'agent.md': page('The agent file', agentPage(registries)),
    'sink.md': page('A sink file', sinkPage(registries)),
    'transformers.md': page('Transformers', transformersPage(registries)),
    'publishers.md': page('Publishers', publishersPage(registries)),
    'inputs.md': page('Inputs', inputsPage(registries)),
  };
}

function page(title: string, lines: readonly string[]): string {
  return `${[`# ${title}`, '', generated, '', ...lines].join('\n').trimEnd()}\n`;
}

function agentPage(registries: Registries): string[] {
  const { properties = {} } = agentJsonSchema(registries);
  const { inputs: _, ...rest } = properties;
  return [
    'A flag wins over a variable, a variable over the file, the file over the default. Relative paths are meant from the folder of the',
    'file, those in flags and variables from the working directory.',
    '',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what operators write.
    '`${env:NAME}` and `${file:PATH}` inside a text stand for a variable and for the content of a file, so that no secret need stand here;',
    '`NAME` may also be given as `NAME_FILE`, the path of a file that holds it. `$${` is a literal `${`.',
    '',
    '`inputs` is a list of `- kind: {…}`; the kinds are in [inputs.md](inputs.md).',
    '',
    ...table({ type: 'object', properties: rest }),
    '',
    '## Variables',
    '',
    'Lists are separated by commas. A variable with this prefix that is no setting, and that no file refers to, is told at start and by `check`.',
    '',
    '| variable | sets |',
    '|---|---|',
    ...settings
      .filter(({ path }) => path !== 'telemetry_secret_file')
      .map(({ path, variable, secret }) => `| \`${variable}\`${secret ? ` or \`${variable}_FILE\`` : ''} | \`${path}\` |`),
  ];
}

function sinkPage(registries: Registries): string[] {
  const schema = pipelineJsonSchema(registries);
  const { transform: _, publish: __, ...rest } = schema.properties ?? {};
  return [
    'One YAML file per sink (`*.yaml` in the folder of the sinks; `*.test.yaml` beside it are its tests).',
    '',
    ...table({ ...schema, properties: rest }),
    '',
    '`transform` is a list of `- name: {…}` in the order they run; the names are in [transformers.md](transformers.md). `- use: ./module.mjs` with',
    '`parameters` takes a transformer of your own. Without it, items pass as they are.',
    '',
    '`publish` is a list of `- kind: {…}`, at least one; the kinds are in [publishers.md](publishers.md). Every target gets everything.',
    '',
    'A file is refused, with file, line, column and a hint, for: unknown keys, keys that come twice, wrong types, unknown names, a `partition_by` that is not part',
    'of the key of a transformer that keeps state, custom YAML tags, more than 1 MiB, more than 64 levels, and aliases that unfold to more than',
    '100,000 values. It is YAML 1.2: `yes` and `no` are texts.',
  ];
}

function transformersPage({ transformers }: Registries): string[] {
  return Object.entries(transformers).flatMap(([name, { summary, takes, scope, Parameters, examples }]) => [
    `## ${name}`,
    '',
    summary,
    '',
    `Takes ${takes.join(' and ')}. ${scopes[scope]}`,
    '',
    ...table(schemaOf(Parameters)),
    ...examples.flatMap((example) => ['', ...exampleLines(name, example)]),
    '',
  ]);
}

const scopes = {
  none: 'Keeps no state.',
  key: 'Keeps state per key.',
  partition: 'Keeps state per partition: what it gives depends on how many there are.',
} as const;

function exampleLines(name: string, { title, yaml, given, expect, thenMs }: Example): string[] {
  const parameters = yaml.split('\n').map((line) => `    ${line}`);
  return [
    `**${title}**`,
    '',
    '```yaml',
    `- ${name}:`,
    ...parameters,
    '```',
    '',
    '```',
    ...given.map((item) => `in   ${printJson(item)}`),
    ...(thenMs === undefined ? [] : [`     ${thenMs / 1000} s pass`]),
    ...(expect.length === 0 ? ['out  nothing'] : expect.map((item) => `out  ${printJson(item)}`)),
    '```',
  ];
}

function publishersPage({ publishers }: Registries): string[] {
  return [
    'These stand in the mapping of every publisher, beside its own parameters:',
    '',
    ...table(publisherCommon()),
    '',
    ...Object.entries(publishers).flatMap(([name, { summary, schema }]) => [
      `## ${name}`,
      '',
      summary,
      '',
      ...table(schemaOf(schema)),
      '',
    ]),
  ];
}

function inputsPage({ inputs }: Registries): string[] {
  return [
    'These stand in the mapping of every input, beside its own parameters:',
    '',
    ...table(inputCommon()),
    '',
    ...Object.entries(inputs).flatMap(([name, { summary, schema }]) => [
      `## ${name}`,
      '',
      summary,
      '',
      ...table(schemaOf(schema)),
      '',
    ]),
  ];
}

function table(schema: JsonSchema): string[] {
  const rows = rowsOf(schema, '');
  if (rows.length === 0) return ['No parameters.'];
  return ['| key | type | default | |', '|---|---|---|---|', ...rows];
}

function rowsOf(schema: JsonSchema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, member]) => {
    const inner = objectOf(member);
    const required = schema.required?.includes(key) === true;
    const fallback = required
      ? '*required*'
      : member.properties !== undefined || member.default === undefined || member.default === null
        ? ''
        : `\`${cell(JSON.stringify(member.default))}\``;
    const row = `| \`${prefix}${key}\` | ${typeOf(member)} | ${fallback} | ${cell(member.description ?? '')} |`;
    return inner === undefined
      ? [row]
      : [...(member.description === undefined && !required ? [] : [row]), ...rowsOf(inner, `${prefix}${key}.`)];
  });
}

/** The mapping that a key holds, also where a word may stand in its place (`off`). */
function objectOf(schema: JsonSchema): JsonSchema | undefined {
  if (schema.properties !== undefined) return schema;
  const objects = (schema.anyOf ?? []).filter((each) => each.properties !== undefined);
  const others = (schema.anyOf ?? []).filter(
    (each) => each.properties === undefined && each.type !== 'null' && each.const === undefined,
  );
  return objects.length === 1 && others.length === 0 ? objects[0] : undefined;
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${cell(String(schema.const))}\``;
  if (schema.enum !== undefined) return schema.enum.map((each) => `\`${cell(String(each))}\``).join(', ');
  if (schema.anyOf !== undefined)
    return [...new Set(schema.anyOf.filter((each) => each.type !== 'null').map(typeOf))].join(' or ');
  if (schema.type === 'array') return schema.items === undefined ? 'list' : `list of ${typeOf(schema.items)}`;
  if (schema.type === 'object') return 'mapping';
  if (schema.type === 'integer' || schema.type === 'number')
    return `${schema.type === 'integer' ? 'integer' : 'number'}${range(schema)}`;
  return schema.type === 'string' ? 'text' : (schema.type ?? 'any');
}

function range({ minimum, maximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` ${minimum}–${maximum}`;
  if (minimum !== undefined) return ` ≥ ${minimum}`;
  return maximum === undefined ? '' : ` ≤ ${maximum}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
