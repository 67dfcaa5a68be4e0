import { Command } from 'commander';
import { loadAgent } from '../../config/load-agent.ts';
import { statusText } from '../../core/spool/status.ts';
import { defaultLimits, judge, type Verdict, type VerdictLimits } from '../../core/spool/verdict.ts';
import { CliFailure } from '../failure.ts';
import { readStatusOf, type SpoolOptions } from './spool-status.ts';

interface Options extends SpoolOptions {
  readonly expect: readonly string[];
  readonly age?: string;
  readonly deferredAge?: string;
  readonly waiting?: string;
  readonly format: 'plugin' | 'local' | 'section';
}

const words = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;

export function spoolCheckCommand(): Command {
  const bounds = (limit: readonly [number, number]) => `warning,critical (default ${limit.join(',')})`;
  return new Command('check')
    .description('As a monitoring plugin: one line with perfdata, exit 0 ok, 1 warning, 2 critical, 3 unknown.')
    .option('--expect <site>', 'critical unless this site is connected; may be given more than once', collect, [])
    .option('--age <s,s>', `seconds since the status was written: ${bounds(defaultLimits.age)}`)
    .option('--deferred-age <s,s>', `seconds that a deferred notification has waited: ${bounds(defaultLimits.deferredAge)}`)
    .option('--waiting <n,n>', `notifications that wait to be sent: ${bounds(defaultLimits.waiting)}`)
    .option(
      '--format <format>',
      "plugin (Nagios, Icinga), local (Checkmk local check), section (what Checkmk's agent would send)",
      'plugin',
    )
    .action(async (options: Options) => {
      const limits = readLimits(options);
      if (!['plugin', 'local', 'section'].includes(options.format))
        throw new CliFailure(`there is no format ${options.format}`, 2);
      const verdict = await look(options, limits);
      if (verdict === undefined) return;
      print(verdict, options);
    });
}

async function look(options: Options, limits: VerdictLimits): Promise<Verdict | undefined> {
  const unknown = (line: string): Verdict => ({ code: 3, lines: [line], perfdata: '' });
  try {
    const config = await loadAgent(options.config ?? null, process.env, { data_dir: options.dataDir });
    const status = await readStatusOf(config);
    const nowMs = Date.now();
    if (status === null) return { code: 2, lines: ['No status information, Spooler not running'], perfdata: '' };
    if (options.format !== 'section') return judge(status, nowMs, limits, options.expect);
    process.stdout.write(`<<<mknotifyd:sep(0)>>>\n${Math.floor(nowMs / 1000)}\n[${status.site}]\n${statusText(status)}`);
    return undefined;
  } catch (error) {
    return unknown(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
}

function print(verdict: Verdict, options: Options): void {
  const text = verdict.lines.join(', ');
  if (options.json === true) process.stdout.write(`${JSON.stringify({ state: words[verdict.code], ...verdict })}\n`);
  else if (options.format === 'local')
    process.stdout.write(`${verdict.code} "Notification Spooler" ${verdict.perfdata.replaceAll(' ', '|') || '-'} ${text}\n`);
  else
    process.stdout.write(`SPOOLER ${words[verdict.code]} - ${text}${verdict.perfdata === '' ? '' : ` | ${verdict.perfdata}`}\n`);
  // A local check tells its state in its line.
  process.exitCode = options.format === 'local' ? 0 : verdict.code;
}

function readLimits(options: Options): VerdictLimits {
  const pair = (name: string, text: string | undefined, fallback: readonly [number, number]): readonly [number, number] => {
    if (text === undefined) return fallback;
    const found = /^(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)$/.exec(text);
    const [warning, critical] = [Number(found?.[1]), Number(found?.[2])];
    if (found === null || warning > critical) throw new CliFailure(`--${name} wants warning,critical, the smaller first`, 2);
    return [warning, critical];
  };
  return {
    age: pair('age', options.age, defaultLimits.age),
    deferredAge: pair('deferred-age', options.deferredAge, defaultLimits.deferredAge),
    waiting: pair('waiting', options.waiting, defaultLimits.waiting),
  };
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
