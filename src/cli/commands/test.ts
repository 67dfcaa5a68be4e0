import { writeFile } from 'node:fs/promises';
import { dirname, relative, sep } from 'node:path';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { watchConfiguration } from '../../agent/watch-configuration.ts';
import { loadAgent } from '../../config/load-agent.ts';
import { openConverter } from '../../config/load-setup.ts';
import { ConfigError, formatProblem } from '../../config/problem.ts';
import { systemClock } from '../../lib/clock.ts';
import { linkedAbort } from '../../lib/linked-abort.ts';
import { printJson } from '../../model/json-text.ts';
import { loadPublisher } from '../../publishers/registry.ts';
import { headline, passes, reasons, toJson } from '../../testing/describe-result.ts';
import { findTests } from '../../testing/find-tests.ts';
import { type Timed, toJunit } from '../../testing/junit.ts';
import { runTests, type TestResult } from '../../testing/run-tests.ts';
import { CliFailure } from '../failure.ts';

interface Options {
  readonly config?: string;
  readonly filter?: string;
  readonly json?: boolean;
  readonly junit?: string;
  readonly watch?: boolean;
}

export function testCommand(): Command {
  return new Command('test')
    .description('Run the tests beside the pipelines (<sink>.test.yaml) in virtual time; publishes nothing, needs no server.')
    .argument('[path...]', "test files, sinks, or folders of them (default: the agent's folder of sinks)")
    .option('-c, --config <file>', 'the agent file (definitions, conversion, folder of the sinks)')
    .option('--filter <text>', 'only cases that have this in their sink or title')
    .option('--json', 'print one JSON object')
    .option('--junit <file>', 'also write the results there, as the XML that CI servers read')
    .option('--watch', 'run again whenever tests, sinks or definitions change, until Ctrl-C')
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph test\n  ceilograph test pipelines/cpu-util.yaml\n  ceilograph test --filter capped\n  ceilograph test --junit results.xml\n',
    )
    .action(run);
}

async function run(paths: readonly string[], options: Options): Promise<void> {
  if (options.watch !== true) {
    if (!(await runOnce(paths, options))) process.exitCode = 1;
    return;
  }
  if (options.json === true) throw new CliFailure('--watch and --json do not go together', 2);
  const over = new AbortController();
  process.once('SIGINT', () => over.abort(new Error('SIGINT')));
  for (;;) {
    const changed = nextChange(await watchedPaths(paths, options), over.signal);
    await runOnce(paths, options).catch(tellProblems);
    process.stderr.write('waiting for a change (Ctrl-C ends)\n');
    await changed;
    if (over.signal.aborted) return;
    process.stdout.write(`\n${new Date().toISOString()}\n`);
  }
}

/** Resolves at the next change, or once the signal aborts. */
async function nextChange(paths: readonly string[], signal: AbortSignal): Promise<void> {
  const found = linkedAbort(signal);
  await watchConfiguration(
    () => paths,
    systemClock,
    found.signal,
    () => found.abort(),
  );
  found.release();
}

async function watchedPaths(paths: readonly string[], options: Options): Promise<readonly string[]> {
  const agentFile = options.config === undefined ? [] : [options.config];
  const config = await loadAgent(options.config ?? null).catch(() => null); // wrong now; the run says how
  const definitions = config === null ? [] : [config.pipelinesDir, ...config.definitions.meters, ...config.definitions.events];
  // A test stands beside its sink.
  const beside = paths.map((path) => (/\.ya?ml$/.test(path) ? dirname(path) : path));
  return [...new Set([...agentFile, ...definitions, ...beside])];
}

/** A file that is wrong while somebody writes it is told, and waited for. */
function tellProblems(error: unknown): void {
  if (error instanceof ConfigError) process.stderr.write(`${error.problems.map(formatProblem).join('\n')}\n`);
  else if (error instanceof CliFailure) process.stderr.write(`${error.message}\n`);
  else throw error;
}

/** False when something failed. */
async function runOnce(paths: readonly string[], options: Options): Promise<boolean> {
  const config = await loadAgent(options.config ?? null);
  const files = await findTests(paths.length > 0 ? paths : [fromHere(config.pipelinesDir)]);
  if (typeof files === 'string') throw new CliFailure(files, 2);
  const converter = await openConverter(config, config.definitions);
  const filter = options.filter?.toLowerCase() ?? '';
  const wanted = (about: string, title: string) => `${about} › ${title}`.toLowerCase().includes(filter);
  const results: Timed[] = [];
  let before = performance.now();
  for await (const result of runTests(files, { cluster: config.cluster, converter, publisherOf: loadPublisher, wanted })) {
    const now = performance.now();
    results.push({ result, seconds: (now - before) / 1_000 });
    before = now;
    if (options.json !== true) printResult(result);
  }
  if (results.length === 0) throw new CliFailure(`no case has "${options.filter}" in its sink or title`, 2);
  const passed = results.filter(({ result }) => passes(result)).length;
  const failed = results.length - passed;
  const asJson = () => printJson({ ok: failed === 0, passed, failed, results: results.map(({ result }) => toJson(result)) });
  process.stdout.write(options.json === true ? `${asJson()}\n` : `${passed} passed, ${failed} failed\n`);
  if (options.junit !== undefined) await writeFile(options.junit, toJunit(results));
  return failed === 0;
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
