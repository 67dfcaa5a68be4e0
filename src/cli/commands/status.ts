import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { type ClusterView, readClusterView } from '../../agent/cluster-view.ts';
import { openPlaces } from '../../agent/places.ts';
import { notReloadedFact } from '../../agent/reload.ts';
import type { AgentConfig } from '../../config/agent-config.ts';
import { loadAgent } from '../../config/load-agent.ts';
import type { Member } from '../../coordination/group.ts';
import { systemClock } from '../../lib/clock.ts';
import { configurationOf } from '../../pipeline/able-members.ts';
import { DeadLetters } from '../../pipeline/dead-letters.ts';

interface Options {
  readonly config?: string;
  readonly dataDir?: string;
  readonly json?: true;
  readonly check?: true;
  readonly lagWarning: string;
  readonly deadLettersWarning?: string;
}

export function statusCommand(): Command {
  return new Command('status')
    .description('Members, partitions with owner and lag, outboxes and dead letters of the agents on this data directory.')
    .option('-c, --config <file>', 'the agent file whose data directory to look at')
    .option('--data-dir <dir>', 'the data directory itself')
    .option('--json', 'one JSON object')
    .option('--check', 'as a monitoring plugin: one line with perfdata, exit 0 ok, 1 warning, 2 critical, 3 unknown')
    .option('--lag-warning <entries>', 'with --check: warn when more entries than this wait in a partition', '10000')
    .option('--dead-letters-warning <n>', 'with --check: warn when more dead letters than this are kept')
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
      const deadLetters = options.deadLettersWarning === undefined ? null : Number(options.deadLettersWarning);
      if (options.check === true) return check(view, { lag: Number(options.lagWarning), deadLetters });
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

interface Limits {
  readonly lag: number;
  readonly deadLetters: number | null;
}

type Verdict = readonly [code: 0 | 1 | 2, word: string, why: string];

/** Critical when nobody runs what should run, warning when work piles up or agents do not agree. */
function check(view: ClusterView, limits: Limits): void {
  const [code, word, why] = verdictOf(view, limits);
  // One line, and what stands behind the bar are figures.
  process.stdout.write(`CEILOGRAPH ${word} - ${why.replaceAll(/[|\n]/g, ' ')} | ${perfdata(view, limits)}\n`);
  process.exitCode = code;
}

function verdictOf(view: ClusterView, limits: Limits): Verdict {
  const { members, partitions, deadLetters } = view;
  const critical = (why: string): Verdict => [2, 'CRITICAL', why];
  const warning = (why: string): Verdict => [1, 'WARNING', why];
  if (members.length === 0) return critical('no agent is alive');
  const [failed, ...otherFailed] = partitions.filter(({ trouble }) => trouble?.kind === 'failed');
  if (failed !== undefined)
    return critical(`${otherFailed.length + 1} partitions stand still. ${failed.unit}: ${failed.trouble?.text}`);
  const unowned = partitions.filter(({ owner }) => owner === null);
  const known = knownSinks(members);
  const missing = unowned.filter(({ sink }) => known === null || known.has(sink));
  if (missing.length > 0) return critical(`${missing.length} partitions have no owner`);
  const [held, ...otherHeld] = partitions.filter(({ trouble }) => trouble?.kind === 'gap');
  if (held !== undefined) return warning(`${otherHeld.length + 1} partitions wait. ${held.unit} ${held.trouble?.text}`);
  const refused = members.find(({ facts }) => facts[notReloadedFact] !== undefined);
  if (refused !== undefined)
    return warning(`${refused.agent} did not take up its configuration: ${refused.facts[notReloadedFact]}`);
  const mixed = mixedConfigurations(members);
  if (mixed !== null) return warning(mixed);
  const left = unowned.filter(({ entries }) => entries > 0);
  if (left[0] !== undefined)
    return warning(`${left.length} partitions of sinks that no agent has hold entries, such as ${left[0].unit}`);
  const lag = lagOf(view);
  if (lag > limits.lag) return warning(`${lag} entries wait in one partition`);
  if (limits.deadLetters !== null && deadLetters.letters > limits.deadLetters)
    return warning(`${deadLetters.letters} dead letters are kept`);
  return [0, 'OK', `${members.length} agents run ${partitions.length} partitions`];
}

/** `label=value;warning;critical;minimum`, as every monitoring core reads it. */
function perfdata(view: ClusterView, limits: Limits): string {
  const unowned = view.partitions.filter(({ owner }) => owner === null).length;
  const outbox = view.partitions.reduce((sum, { outboxItems }) => sum + outboxItems, 0);
  const waiting = view.partitions.reduce((sum, { entries }) => sum + entries, 0);
  const configurations = new Set(view.members.map((member) => configurationOf(member)?.hash ?? '')).size;
  return [
    `agents=${view.members.length};;1:;0`,
    `partitions=${view.partitions.length};;;0`,
    `unowned=${unowned};;0;0`,
    `lag=${lagOf(view)};${limits.lag};;0`,
    `waiting=${waiting};;;0`,
    `outbox=${outbox};;;0`,
    `dead_letters=${view.deadLetters.letters};${limits.deadLetters ?? ''};;0`,
    `configurations=${configurations};1;;0`,
  ].join(' ');
}

function lagOf({ partitions }: ClusterView): number {
  return Math.max(0, ...partitions.map(({ entries }) => entries));
}

/** Null where some member does not say which it has. */
function knownSinks(members: readonly Member[]): ReadonlySet<string> | null {
  const all = members.map(configurationOf);
  if (all.includes(null)) return null;
  return new Set(all.flatMap((configuration) => Object.keys(configuration?.sinks ?? {})));
}

/** Null while all agents run the same. */
function mixedConfigurations(members: readonly Member[]): string | null {
  const byHash = new Map<string, string[]>();
  for (const member of members) {
    const hash = configurationOf(member)?.hash;
    if (hash !== undefined) byHash.set(hash, [...(byHash.get(hash) ?? []), member.agent]);
  }
  if (byHash.size < 2) return null;
  return `configurations differ: ${[...byHash].map(([hash, agents]) => `${agents.join(', ')} ${agents.length === 1 ? 'runs' : 'run'} ${hash}`).join('; ')}`;
}

function table(view: StatusView): string {
  const lines = [`agents (${view.members.length})`];
  for (const member of view.members) {
    lines.push(
      `  ${member.agent}  pid ${member.pid} on ${member.host}  received ${member.facts['received'] ?? 0}  published ${member.facts['published'] ?? 0}  configuration ${configurationOf(member)?.hash ?? '-'}`,
    );
    const refused = member.facts[notReloadedFact];
    if (refused !== undefined) lines.push(`    did not take up its configuration: ${refused}`);
  }
  const mixed = mixedConfigurations(view.members);
  if (mixed !== null) lines.push(`  ${mixed}. Partitions of a sink that differs are run by those that most agree with`);
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
