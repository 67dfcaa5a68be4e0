import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { type ClusterView, readClusterView } from '../../agent/cluster-view.ts';
import { openPlaces } from '../../agent/places.ts';
import type { AgentConfig } from '../../config/agent-config.ts';
import { loadAgent } from '../../config/load-agent.ts';
import { systemClock } from '../../lib/clock.ts';
import { DeadLetters } from '../../pipeline/dead-letters.ts';

interface Options {
  readonly config?: string;
  readonly dataDir?: string;
  readonly json?: true;
  readonly check?: true;
  readonly lagWarning: string;
}

export function statusCommand(): Command {
  return new Command('status')
    .description('Members, partitions with owner and lag, outboxes and dead letters of the agents on this data directory.')
    .option('-c, --config <file>', 'the agent file whose data directory to look at')
    .option('--data-dir <dir>', 'the data directory itself')
    .option('--json', 'one JSON object')
    .option('--check', 'as a monitoring plugin: one line with perfdata, exit 0 ok, 1 warning, 2 critical, 3 unknown')
    .option('--lag-warning <entries>', 'with --check: warn when more entries than this wait in a partition', '10000')
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph status -c /etc/ceilograph/agent.yaml\n  ceilograph status --data-dir var --check\n',
    )
    .action(async (options: Options) => {
      const config = await loadAgent(options.config ?? null, process.env, { data_dir: options.dataDir });
      const { dataDir } = config;
      if (config.coordination.kind === 'off' && !existsSync(join(dataDir, 'state')))
        return unknown(options, `no agent has run on ${resolve(dataDir)} yet`);
      const view = await look(config).catch((error: unknown) => {
        if (options.check !== true) throw error;
        return unknown(options, `the stores do not answer: ${error instanceof Error ? error.message : String(error)}`);
      });
      if (view === undefined) return;
      if (options.check === true) return check(view, Number(options.lagWarning));
      process.stdout.write(options.json === true ? `${JSON.stringify(view)}\n` : table(view));
    });
}

/** `servers`: what the servers behind it promise, by their own word. */
async function look(config: AgentConfig): Promise<StatusView> {
  const places = await openPlaces({ config, clock: systemClock, random: Math.random, emit: () => undefined });
  const deadLetters = await DeadLetters.open({ directory: join(config.dataDir, 'dead-letters'), clock: systemClock });
  try {
    const view = await readClusterView(places, config.cluster, deadLetters.stats());
    return { ...view, servers: await places.describe() };
  } finally {
    await deadLetters.close();
    await places.close();
  }
}

interface StatusView extends ClusterView {
  readonly servers: Readonly<Record<string, string>>;
}

function unknown(options: Options, message: string): undefined {
  if (options.json === true) process.stdout.write(`${JSON.stringify({ error: message })}\n`);
  else process.stdout.write(`CEILOGRAPH UNKNOWN - ${message}\n`);
  process.exitCode = options.check === true ? 3 : 1;
}

/** Critical when nobody runs what should run, warning when work piles up. */
function check(view: ClusterView, lagWarning: number): void {
  const unowned = view.partitions.filter((partition) => partition.owner === null).length;
  const failed = view.partitions.filter(({ trouble }) => trouble?.kind === 'failed');
  const held = view.partitions.filter(({ trouble }) => trouble?.kind === 'gap');
  const lag = Math.max(0, ...view.partitions.map((partition) => partition.entries));
  const [code, word, why] =
    view.members.length === 0
      ? [2, 'CRITICAL', 'no agent is alive']
      : failed[0] !== undefined
        ? [2, 'CRITICAL', `${failed.length} partitions stand still. ${failed[0].unit}: ${failed[0].trouble?.text}`]
        : unowned > 0
          ? [2, 'CRITICAL', `${unowned} partitions have no owner`]
          : held[0] !== undefined
            ? [1, 'WARNING', `${held.length} partitions wait. ${held[0].unit} ${held[0].trouble?.text}`]
            : lag > lagWarning
              ? [1, 'WARNING', `${lag} entries wait in one partition`]
              : [0, 'OK', `${view.members.length} agents run ${view.partitions.length} partitions`];
  const perfdata = `agents=${view.members.length} partitions=${view.partitions.length} unowned=${unowned} lag=${lag} dead_letters=${view.deadLetters.letters}`;
  // One line, and what stands behind the bar are figures.
  process.stdout.write(`CEILOGRAPH ${word} - ${String(why).replaceAll(/[|\n]/g, ' ')} | ${perfdata}\n`);
  process.exitCode = code as number;
}

function table(view: StatusView): string {
  const lines = [`agents (${view.members.length})`];
  for (const member of view.members) {
    lines.push(
      `  ${member.agent}  pid ${member.pid} on ${member.host}  received ${member.facts['received'] ?? 0}  published ${member.facts['published'] ?? 0}`,
    );
  }
  lines.push(`partitions (${view.partitions.length})`);
  for (const partition of view.partitions) {
    const owner = partition.owner ?? 'nobody';
    lines.push(
      `  ${partition.unit.padEnd(40)} ${owner.padEnd(28)} epoch ${partition.epoch}  waiting ${partition.entries}  bytes ${partition.bytes}/${partition.boundBytes}  outbox ${partition.outboxItems}`,
    );
    if (partition.trouble !== null) lines.push(`    ${partition.trouble.text}`);
  }
  for (const [name, value] of Object.entries(view.servers)) lines.push(`${name}: ${value}`);
  lines.push(`dead letters (${view.deadLetters.letters})`);
  for (const [reason, count] of Object.entries(view.deadLetters.byReason)) lines.push(`  ${reason} ${count}`);
  return `${lines.join('\n')}\n`;
}
