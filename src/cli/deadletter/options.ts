import type { Command } from 'commander';
import { given } from '../../lib/given.ts';
import type { LetterFilter } from '../../pipeline/letter-filter.ts';
import { collect } from '../admin/agents.ts';
import { CliFailure } from '../failure.ts';

export interface BoxOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly cluster?: true;
  readonly url?: readonly string[];
  readonly json?: true;
}

/** A filter as it is typed: times are texts. */
export interface FilterOptions extends Omit<LetterFilter, 'ids' | 'since' | 'before'> {
  readonly since?: string;
  readonly before?: string;
}

export function withBoxOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'the agent file whose data directory to look at')
    .option('--data-dir <dir>', 'the data directory itself')
    .option('--cluster', 'of all living agents, asked by their admin interfaces, instead of one data directory')
    .option('--url <url>', 'of the agent at this admin address; may be given more than once', collect)
    .option('--json', 'one JSON object');
}

export function withFilterOptions(command: Command): Command {
  return command
    .option('--reason <word>', 'of this reason')
    .option('--stage <stage>', 'decode, samples, events, append, transform, publish or mail')
    .option('--sink <name>', 'of this sink')
    .option('--publisher <name>', 'of this publisher')
    .option('--message-id <id>', 'of this notification or item')
    .option('--says <text>', 'that have this in their message')
    .option('--since <time>', 'last seen then or later: 2026-01-31T08:00:00Z, or 2h for two hours ago (s, m, h, d)')
    .option('--before <time>', 'last seen before');
}

/** Throws a usage failure at a time that is none. */
export function filterOf(ids: readonly string[], options: FilterOptions, now: number): LetterFilter {
  const { stage, reason, sink, publisher, messageId, says } = options;
  return given({
    stage,
    reason,
    sink,
    publisher,
    messageId,
    says,
    ids: ids.length === 0 ? undefined : ids,
    since: timeOf('--since', options.since, now),
    before: timeOf('--before', options.before, now),
  });
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function timeOf(option: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return now - Number(count) * unitMs[unit as keyof typeof unitMs];
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new CliFailure(`${option} ${text}: expected a time in ISO 8601, or such as 30m, 2h, 7d`, 2);
  return time;
}

export function wholeNumber(option: string, text: string, least: number): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least)
    throw new CliFailure(`${option} ${text}: expected a whole number from ${least}`, 2);
  return number;
}
