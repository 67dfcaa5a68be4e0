import { headline, passes, reasons } from './describe-result.ts';
import type { TestResult } from './run-tests.ts';

export interface Timed {
  readonly result: TestResult;
  readonly seconds: number;
}

/**
 * The results as JUnit's XML, as CI servers read it: a suite for each sink, transformer or file that cannot be run, a case for each title. What cannot be
 * run is an error, what differs a failure, each with the text that people get.
 */
export function toJunit(results: readonly Timed[]): string {
  const suites = new Map<string, Timed[]>();
  for (const timed of results) {
    const name = suiteOf(timed.result);
    suites.set(name, [...(suites.get(name) ?? []), timed]);
  }
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="ceilograph" ${countsOf(results)}>`,
    ...[...suites].flatMap(([name, timed]) => [
      `  <testsuite name="${inXml(name)}" ${countsOf(timed)}>`,
      ...timed.flatMap((one) => caseOf(name, one)),
      '  </testsuite>',
    ]),
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

function suiteOf(result: TestResult): string {
  if (result.kind === 'case') return result.sink;
  return result.kind === 'law' ? result.own.transformer.name : result.file;
}

function countsOf(results: readonly Timed[]): string {
  const errors = results.filter(({ result }) => result.kind === 'file').length;
  const failed = results.filter(({ result }) => !passes(result)).length - errors;
  const seconds = results.reduce((sum, one) => sum + one.seconds, 0);
  return `tests="${results.length}" failures="${failed}" errors="${errors}" skipped="0" time="${seconds.toFixed(3)}"`;
}

function caseOf(suite: string, { result, seconds }: Timed): readonly string[] {
  const title = headline(result).slice(suite.length).replace(/^ › /, '');
  const place = result.kind === 'case' ? ` file="${inXml(result.test.file)}" line="${result.test.at.line}"` : '';
  const begin = `    <testcase classname="${inXml(suite)}" name="${inXml(title)}"${place} time="${seconds.toFixed(3)}"`;
  if (passes(result)) return [`${begin}/>`];
  const why = reasons(result);
  const kind = result.kind === 'file' ? 'error' : 'failure';
  return [
    `${begin}>`,
    `      <${kind} message="${inXml((why[1] ?? why[0] ?? '').trim())}">${inXml(why.join('\n'))}</${kind}>`,
    '    </testcase>',
  ];
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** XML 1.0 has no way to write most control characters, not even escaped: a sign stands for each. */
function inXml(text: string): string {
  let safe = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const allowed = code === 9 || code === 10 || code === 13 || (code >= 32 && code !== 0xfffe && code !== 0xffff);
    safe += allowed && !(code >= 0xd800 && code <= 0xdfff) ? (entities[character] ?? character) : '\ufffd';
  }
  return safe;
}
