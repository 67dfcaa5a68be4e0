import { Command } from 'commander';
import { loadAgent } from '../../config/load-agent.ts';
import { systemClock } from '../../lib/clock.ts';
import { bodyOf, leftOutReasons } from '../../pipeline/letter-again.ts';
import { askedAgents } from '../admin/agents.ts';
import { openClusterBox } from '../deadletter/cluster-box.ts';
import { type Asked, type LetterBox, type ListedLetter, openLocalBox } from '../deadletter/letter-box.ts';
import {
  type BoxOptions,
  type FilterOptions,
  filterOf,
  wholeNumber,
  withBoxOptions,
  withFilterOptions,
} from '../deadletter/options.ts';
import { CliFailure } from '../failure.ts';

const examples = `
Examples:
  ceilograph deadletter list -c /etc/ceilograph/agent.yaml --since 1h
  ceilograph deadletter retry --reason http_status --sink cpu-util --dry-run -c agent.yaml
  ceilograph deadletter retry --reason http_status --wait 60 -c agent.yaml
  ceilograph deadletter drop --before 7d -c agent.yaml
  ceilograph deadletter list --cluster -c agent.yaml
`;

export function deadletterCommand(): Command {
  const command = new Command('deadletter').description(
    'What could not be used, with its reason: look at it, try it again, drop it. While agents run or none does.',
  );
  withFilterOptions(withBoxOptions(command.command('list').description('Newest first, and how many of each reason there are.')))
    .option('--limit <n>', 'at most so many', '50')
    .action(list);
  withBoxOptions(
    command
      .command('show')
      .description('One letter with its body, as it came.')
      .argument('<id>', 'its id, as `list` shows it')
      .option('--body', 'the body alone, byte for byte'),
  ).action(show);
  choosing(
    command
      .command('retry')
      .description(
        'Have the agent of this data directory try them again, oldest first. A letter that is through leaves; one that fails again stays.',
      )
      .argument('[id...]', 'these letters'),
  )
    .option('--force', 'also what was tried again 3 times')
    .option('--wait <seconds>', 'wait so long until they are through, and say what came of it', '0')
    .action(retry);
  choosing(command.command('drop').description('Remove them for good.').argument('[id...]', 'these letters')).action(drop);
  return command.addHelpText('after', examples);
}

function choosing(command: Command): Command {
  return withFilterOptions(withBoxOptions(command))
    .option('--all', 'all of them')
    .option('--limit <n>', 'at most so many, oldest first')
    .option('--dry-run', 'say which, and change nothing');
}

interface ChoosingOptions extends BoxOptions, FilterOptions {
  readonly all?: true;
  readonly limit?: string;
  readonly dryRun?: true;
  readonly force?: true;
  readonly wait?: string;
}

async function withBox(options: BoxOptions, action: (box: LetterBox) => Promise<void>): Promise<void> {
  const box = await openBox(options);
  try {
    await action(box);
  } finally {
    await box.close();
  }
}

async function openBox(options: BoxOptions): Promise<LetterBox> {
  if (options.cluster === true || options.url !== undefined) return await openClusterBox(await askedAgents(options));
  return await openLocalBox(await loadAgent(options.config ?? null, process.env, { data_dir: options.dataDir }));
}

async function list(options: BoxOptions & FilterOptions & { readonly limit: string }): Promise<void> {
  const limit = wholeNumber('--limit', options.limit, 1);
  const filter = filterOf([], options, systemClock.now());
  await withBox(options, async (box) => {
    const { letters, stats } = await box.list(filter, limit);
    if (options.json === true) return out(`${JSON.stringify({ stats, letters })}\n`);
    for (const letter of letters) out(`${lineOf(letter)}\n`);
    const reasons = Object.entries(stats.byReason).map(([reason, count]) => `${reason} ${count}`);
    const gone = stats.evicted === 0 ? '' : `; ${stats.evicted} older ones had to leave`;
    out(`${stats.letters} dead letters${reasons.length === 0 ? '' : `: ${reasons.join(', ')}`}${gone}\n`);
  });
}

function lineOf({ id, lastSeen, times, retries = 0, stage, reason, sink, publisher, message, agents }: ListedLetter): string {
  const target = [sink, publisher].filter((part) => part !== null).join('/');
  const where = [target, agents?.join(',') ?? ''].filter((part) => part !== '').join('  ');
  const often = `${times > 1 ? ` ×${times}` : ''}${retries > 0 ? ` retried ${retries}` : ''}`;
  const text = message.replaceAll(/\s+/g, ' ').slice(0, 160);
  return `${id}  ${new Date(lastSeen).toISOString()}  ${stage}/${reason}${where === '' ? '' : `  ${where}`}${often}  ${text}`;
}

async function show(id: string, options: BoxOptions & { readonly body?: true }): Promise<void> {
  await withBox(options, async (box) => {
    const letter = await box.get(id);
    if (letter === undefined) throw new CliFailure(`there is no dead letter ${id} (any more)`);
    if (options.json === true) return out(`${JSON.stringify(letter)}\n`);
    if (options.body === true) return void process.stdout.write(bodyOf(letter));
    const { body: _, ...rest } = letter;
    for (const [name, value] of Object.entries(rest)) out(`${name.padEnd(11)} ${printed(name, value)}\n`);
    out(`\n${'text' in letter.body ? letter.body.text : `base64 ${letter.body.base64}`}\n`);
  });
}

function printed(name: string, value: unknown): string {
  if (name === 'firstSeen' || name === 'lastSeen') return new Date(value as number).toISOString();
  return value === null ? '-' : String(value);
}

async function retry(ids: readonly string[], options: ChoosingOptions): Promise<void> {
  const waitMs = wholeNumber('--wait', options.wait ?? '0', 0) * 1_000;
  await withBox(options, async (box) => {
    const how = { ...limitOf(options), force: options.force === true, dryRun: options.dryRun === true };
    const asked = await box.retry(filterIn(ids, options), how);
    if (how.dryRun) return answer(options, asked, { wouldRetry: asked.chosen, ids: asked.ids });
    const requested = asked.changed;
    if (waitMs === 0) return answer(options, asked, { requested, waiting: (await box.progress(asked.ids)).waiting });
    if (asked.ids.length < asked.chosen)
      process.stderr.write(`waiting for the first ${asked.ids.length} of ${asked.chosen}; the others follow\n`);
    const { waiting, letters } = await waitFor(box, asked.ids, waitMs);
    const failed = letters - waiting;
    answer(options, asked, { requested, through: Math.max(0, asked.ids.length - letters), failedAgain: failed, waiting });
    if (failed > 0 || waiting > 0) process.exitCode = 1;
    if (waiting > 0)
      process.stderr.write(
        'They stay asked for: the agent of this data directory tries them once it runs and the target answers.\n',
      );
  });
}

async function waitFor(box: LetterBox, ids: readonly string[], waitMs: number) {
  const end = systemClock.monotonic() + waitMs;
  for (;;) {
    const progress = await box.progress(ids);
    if (progress.waiting === 0 || systemClock.monotonic() >= end) return progress;
    await systemClock.sleep(200);
  }
}

async function drop(ids: readonly string[], options: ChoosingOptions): Promise<void> {
  await withBox(options, async (box) => {
    const asked = await box.drop(filterIn(ids, options), { ...limitOf(options), dryRun: options.dryRun === true });
    if (options.dryRun === true) return answer(options, asked, { wouldDrop: asked.chosen, ids: asked.ids });
    answer(options, asked, { dropped: asked.changed });
  });
}

function filterIn(ids: readonly string[], options: ChoosingOptions) {
  const filter = filterOf(ids, options, systemClock.now());
  if (Object.keys(filter).length === 0 && options.all !== true)
    throw new CliFailure('say which: ids, a filter such as --reason, or --all', 2);
  return filter;
}

function limitOf({ limit }: ChoosingOptions): { readonly limit?: number } {
  return limit === undefined ? {} : { limit: wholeNumber('--limit', limit, 1) };
}

const words: Readonly<Record<string, string>> = {
  wouldRetry: 'would be tried again',
  wouldDrop: 'would be dropped',
  requested: 'asked for',
  through: 'through',
  failedAgain: 'failed again',
  waiting: 'wait',
  dropped: 'dropped',
};

function answer(options: BoxOptions, { leftOut }: Asked, facts: Readonly<Record<string, number | readonly string[]>>): void {
  if (options.json === true) {
    out(`${JSON.stringify({ ...facts, leftOut })}\n`);
    return;
  }
  const counts = Object.entries(facts).flatMap(([name, value]) => (typeof value === 'number' ? [`${value} ${words[name]}`] : []));
  const ids = facts['ids'];
  if (Array.isArray(ids)) for (const id of ids) out(`${id}\n`);
  out(`${counts.join(', ')}\n`);
  for (const [why, count] of Object.entries(leftOut)) out(`${count} left out: ${leftOutReasons[why] ?? why}\n`);
}

function out(text: string): void {
  process.stdout.write(text);
}
