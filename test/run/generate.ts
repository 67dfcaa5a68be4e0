import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { agentJsonSchema, pipelineJsonSchema } from '../../src/config/json-schema.ts';
import { referencePages } from '../../src/config/reference-page.ts';
import { shipped } from '../../src/config/registries.ts';
import { metricsPage } from '../../src/telemetry/metrics-page.ts';
import { pipelineTestJsonSchema } from '../../src/testing/test-schema.ts';
import { renderCommands } from './command-reference.ts';
import { renderManPage } from './man-page.ts';
import { projectDir } from './program.ts';
import { close } from './report.ts';

// Writes every file that is generated from the code; with `--check` compares only, and fails when one differs. Arguments choose files by
// a part of their path.

const check = process.argv.includes('--check');
const chosen = process.argv.slice(2).filter((argument) => argument !== '--check');
const print = (schema: unknown) => `${JSON.stringify(schema, null, 2)}\n`;
const pages = Object.entries(referencePages(shipped)).map(([name, text]) => ({
  file: `docs/reference/${name}`,
  render: async () => text,
}));
const files = [
  { file: 'schema/agent.schema.json', render: async () => print(agentJsonSchema(shipped)) },
  { file: 'schema/pipeline.schema.json', render: async () => print(pipelineJsonSchema(shipped)) },
  { file: 'schema/pipeline-test.schema.json', render: async () => print(pipelineTestJsonSchema()) },
  ...pages,
  { file: 'docs/reference/metrics.md', render: async () => metricsPage() },
  { file: 'docs/commands.md', render: renderCommands },
  { file: 'deploy/man/ceilograph.1', render: renderManPage },
].filter(({ file }) => chosen.length === 0 || chosen.some((part) => file.includes(part)));

let failed = 0;
for (const { file, render } of files) {
  const text = await render();
  const path = join(projectDir, file);
  const current = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (current === text) continue;
  if (check) {
    failed += 1;
    console.log(`${file} ${current === null ? 'is missing' : 'differs from the code'}; npm run generate writes it`);
  } else {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    console.log(`wrote ${file}`);
  }
}
close({ passed: files.length - failed, failed });
