import { Command } from 'commander';
import { loadAgent } from '../../config/load-agent.ts';
import { parsePartitionName } from '../../topics/topic.ts';
import { type AgentsOptions, askedAgents, collect } from '../admin/agents.ts';
import { CliFailure } from '../failure.ts';

interface Options extends AgentsOptions {
  readonly stage?: string;
  readonly filter?: string;
  readonly limit?: string;
  readonly for?: string;
  readonly rate: string;
}

const stages = ['converted', 'appended', 'out'];

export function tapCommand(): Command {
  return new Command('tap')
    .description(
      'Show items as they flow through the running agents, one JSON object a line, without holding anything up: what is not read in time is counted, not shown.',
    )
    .argument('<what>', 'a sink, an input, or a partition such as cg.ceilograph.cpu-util.g1.p0')
    .option(
      '--stage <stage>',
      'converted (of an input), appended (durable in a topic) or out (computed and committed); by default what fits',
    )
    .option('--filter <expression>', 'only items that it is true for, as the transformer `filter` has it')
    .option('--limit <n>', 'end after so many items')
    .option('--for <seconds>', 'end after so long')
    .option('--rate <n>', 'at most so many items a second and agent', '1000')
    .option('-c, --config <file>', 'the agent file, whose cluster and token are used')
    .option('--data-dir <dir>', 'the data directory, where the agent file does not name it')
    .option('--url <url>', 'the admin address of one agent; may be given more than once', collect)
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph tap cpu-util -c /etc/ceilograph/agent.yaml\n  ceilograph tap cpu-util --stage appended --filter "volume > 80 and project_id == \'p1\'" --limit 10\n',
    )
    .action(tap);
}

async function tap(what: string, options: Options): Promise<void> {
  const limit = options.limit === undefined ? Number.POSITIVE_INFINITY : positive('--limit', options.limit);
  const stage = options.stage ?? (await stageFor(what, options));
  if (!stages.includes(stage)) throw new CliFailure(`--stage ${stage}: expected ${stages.join(', ')}`, 2);
  const query = new URLSearchParams({ what, stage, rate: String(positive('--rate', options.rate)) });
  if (options.filter !== undefined) query.set('filter', options.filter);
  const over = new AbortController();
  process.once('SIGINT', () => over.abort(new Error('SIGINT')));
  if (options.for !== undefined)
    setTimeout(() => over.abort(new Error('the time is over')), positive('--for', options.for) * 1_000).unref();
  const shown = { items: 0, missed: 0 };
  const agents = await askedAgents(options);
  process.stderr.write(`tapping ${what}, ${stage}, at ${agents.map(({ agent }) => agent).join(', ')}\n`);
  await Promise.all(
    agents.map(async ({ agent, client }) => {
      const name = JSON.stringify({ agent }).slice(0, -1);
      try {
        for await (const line of client.lines(`/v1/tap?${query}`, over.signal)) {
          shown.missed += Number(/^data: (\d+)$/.exec(line)?.[1] ?? 0);
          if (!line.startsWith('data: {')) continue;
          if (shown.items >= limit) break;
          shown.items += 1;
          shown.missed += Number(/^[^{]*\{[^{]*"missed":(\d+)/.exec(line)?.[1] ?? 0);
          process.stdout.write(`${name},${line.slice('data: {'.length)}\n`);
          if (shown.items >= limit) over.abort(new Error('enough'));
        }
        if (!over.signal.aborted) process.stderr.write(`${agent} has left\n`);
      } catch (error) {
        if (over.signal.aborted) return;
        if (error instanceof CliFailure) throw error;
        process.stderr.write(`${agent} has left\n`);
      }
    }),
  ).finally(() => over.abort(new Error('over')));
  process.stderr.write(`${shown.items} items${shown.missed === 0 ? '' : `, ${shown.missed} more passed unseen`}\n`);
}

async function stageFor(what: string, options: Options): Promise<string> {
  if (parsePartitionName(what) !== null) return 'appended';
  const config = await loadAgent(options.config ?? null, process.env, { data_dir: options.dataDir });
  return config.inputs.some(({ name }) => name === what) ? 'converted' : 'out';
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) throw new CliFailure(`${option} ${text}: expected a number above 0`, 2);
  return number;
}
