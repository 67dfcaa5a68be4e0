import { relative, sep } from 'node:path';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { loadAgent } from '../../config/load-agent.ts';
import { openConverter } from '../../config/load-setup.ts';
import { printJson } from '../../model/json-text.ts';
import { headline, passes, reasons, toJson } from '../../testing/describe-result.ts';
import { findTests } from '../../testing/find-tests.ts';
import { runTests, type TestResult } from '../../testing/run-tests.ts';
import { CliFailure } from '../failure.ts';

interface Options {
  readonly config?: string;
  readonly filter?: string;
  readonly json?: boolean;
}

export function testCommand(): Command {
  return new Command('test')
    .description('Run the tests beside the pipelines (<sink>.test.yaml) in virtual time; publishes nothing, needs no server.')
    .argument('[path...]', "test files, sinks, or folders of them (default: the agent's folder of sinks)")
    .option('-c, --config <file>', 'the agent file (definitions, conversion, folder of the sinks)')
    .option('--filter <text>', 'only cases that have this in their sink or title')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph test\n  ceilograph test pipelines/cpu-util.yaml\n  ceilograph test --filter capped\n',
    )
    .action(run);
}

async function run(paths: readonly string[], options: Options): Promise<void> {
  const config = await loadAgent(options.config ?? null);
  const files = await findTests(paths.length > 0 ? paths : [fromHere(config.pipelinesDir)]);
  if (typeof files === 'string') throw new CliFailure(files, 2);
  const converter = await openConverter(config, config.definitions);
  const filter = options.filter?.toLowerCase() ?? '';
  const wanted = (about: string, title: string) => `${about} › ${title}`.toLowerCase().includes(filter);
  const results: TestResult[] = [];
  for await (const result of runTests(files, { cluster: config.cluster, converter, wanted })) {
    results.push(result);
    if (options.json !== true) printResult(result);
  }
  if (results.length === 0) throw new CliFailure(`no case has "${options.filter}" in its sink or title`, 2);
  const passed = results.filter(passes).length;
  const failed = results.length - passed;
  process.stdout.write(
    options.json === true
      ? `${printJson({ ok: failed === 0, passed, failed, results: results.map(toJson) })}\n`
      : `${passed} passed, ${failed} failed\n`,
  );
  if (failed > 0) process.exitCode = 1;
}

function printResult(result: TestResult): void {
  const mark = passes(result) ? coloured('green', '✓') : coloured('red', '✗');
  const lines = [`${mark} ${headline(result)}`, ...reasons(result).map((line) => `    ${line}`)];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function coloured(colour: 'green' | 'red', text: string): string {
  return process.stdout.isTTY === true && !process.env['NO_COLOR'] ? styleText(colour, text) : text;
}

/** As somebody who stands here would write it. */
function fromHere(path: string): string {
  const way = relative('', path);
  return way === '..' || way.startsWith(`..${sep}`) ? path : way || '.';
}
