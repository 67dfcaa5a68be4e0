import { Command } from 'commander';
import { type Applied, applyLayouts } from '../../agent/layouts/apply-layouts.ts';
import { drainTopics } from '../../agent/layouts/drain-topics.ts';
import { type LayoutsPlan, planLayouts, type SinkPlan } from '../../agent/layouts/layout-plan.ts';
import { requireMovable } from '../../agent/layouts/movable.ts';
import { openPlaces, type Places } from '../../agent/places.ts';
import { loadSetup, type Setup, type SetupOptions } from '../../config/load-setup.ts';
import { systemClock } from '../../lib/clock.ts';
import { createSigner } from '../../lib/hmac.ts';
import { createItemCodec } from '../../pipeline/item-codec.ts';
import { createTelemetry } from '../../telemetry/telemetry.ts';
import { CliFailure } from '../failure.ts';
import { version } from '../version.ts';

interface Options extends SetupOptions {
  readonly json?: true;
}

interface ApplyFlags extends Options {
  readonly drain: boolean;
  readonly drainWithin: string;
}

export function topicsCommand(): Command {
  return new Command('topics')
    .description(
      'The internal topics of the sinks: whether their number of partitions is what the files say, and how to make it so.',
    )
    .addCommand(planCommand())
    .addCommand(applyCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph topics plan -c /etc/ceilograph/agent.yaml\n  ceilograph topics apply -c /etc/ceilograph/agent.yaml\n',
    );
}

function planCommand(): Command {
  return configured(new Command('plan'))
    .description('Says what `apply` would change, and what stands in its way. Changes nothing.')
    .action(async (options: Options) => {
      const setup = await loadSetup(options);
      const plan = await withPlaces(setup, (places) => planLayouts(places, setup.sinks, setup.config));
      process.stdout.write(options.json === true ? `${JSON.stringify(plan)}\n` : planText(plan));
    });
}

function applyCommand(): Command {
  return configured(new Command('apply'))
    .description(
      'With all agents stopped: drains, moves state by key into a new generation of topics, retires the old one. Run again if broken off.',
    )
    .option('--no-drain', 'refuse when something waits, instead of computing and publishing it first')
    .option('--drain-within <seconds>', 'how long that may take', '600')
    .action(async (options: ApplyFlags) => {
      const setup = await loadSetup(options);
      const applied = await withPlaces(setup, async (places) => {
        await drained(setup, places, options);
        const { sinks, config } = setup;
        return applyLayouts({ places, sinks, config, clock: systemClock });
      });
      process.stdout.write(options.json === true ? `${JSON.stringify({ version: 1, sinks: applied })}\n` : appliedText(applied));
    });
}

function configured(command: Command): Command {
  return command
    .option('-c, --config <file>', 'the agent file')
    .option('--ceilometer <dir>', "with Ceilometer's own files from this folder, as the agents have them")
    .option('--pipelines <dir>', 'the folder of the sinks')
    .option('--data-dir <dir>', 'where topics and state live when coordination is off')
    .option('--json', 'one JSON object');
}

async function withPlaces<T>({ config }: Setup, act: (places: Places) => Promise<T>): Promise<T> {
  const places = await openPlaces({ config, clock: systemClock, random: Math.random, emit: () => undefined });
  try {
    return await act(places);
  } finally {
    await places.close();
  }
}

/** What waits is computed and published by this process, unless something stands in the way that draining does not mend. */
async function drained(setup: Setup, places: Places, { drain, drainWithin }: ApplyFlags): Promise<void> {
  const within = Number(drainWithin);
  if (!(within > 0)) throw new CliFailure(`--drain-within ${drainWithin}: expected a number of seconds above 0`, 2);
  const plan = await planLayouts(places, setup.sinks, setup.config);
  const waits = plan.sinks.some(({ action, waiting, outbox }) => action === 'move' && waiting + outbox > 0);
  requireMovable(drain ? { ...plan, sinks: plan.sinks.map((sink) => ({ ...sink, waiting: 0, outbox: 0 })) } : plan);
  if (!waits) return;
  const telemetry = createTelemetry({ level: 'warn', agent: 'topics-apply' });
  const { config, sinks, converter } = setup;
  let said = '';
  await drainTopics(
    {
      config,
      sinks,
      converter,
      codec: createItemCodec(createSigner(config.telemetrySecret ?? '')),
      emit: telemetry.emit,
      clock: systemClock,
      random: Math.random,
      version: version(),
      withinMs: within * 1_000,
      onProgress: (waiting, outbox) => {
        const text = `draining: ${waiting} entries, ${outbox} outputs\n`;
        if (text !== said) process.stderr.write(text);
        said = text;
      },
    },
    plan,
  );
}

function planText({ agents, sinks }: LayoutsPlan): string {
  const lines = [`agents (${agents.length})`, ...agents.map(({ agent, host, pid }) => `  ${agent}  pid ${pid} on ${host}`)];
  lines.push(`sinks (${sinks.length})`);
  for (const planned of sinks) {
    lines.push(`  ${planned.sink.padEnd(32)} ${layoutText(planned)}`);
    for (const name of planned.missing) lines.push(`    missing: ${name}`);
    for (const name of planned.left) lines.push(`    left over: ${name}`);
  }
  const moves = sinks.filter(({ action }) => action === 'move').length;
  const mends = sinks.filter(({ action }) => action === 'mend').length;
  if (moves > 0 && agents.length > 0) lines.push('stop all agents before `ceilograph topics apply`');
  lines.push(`${moves} to move, ${mends} to mend`);
  return `${lines.join('\n')}\n`;
}

function layoutText({ action, stored, configured: { partitions, partitionBy }, waiting, outbox }: SinkPlan): string {
  if (stored === null) return `${partitions} partitions, made by the first agent that starts`;
  const now = `${stored.partitions} partitions of generation ${stored.generation}, waiting ${waiting}, outbox ${outbox}`;
  if (action === 'move') return `${now} → ${partitions} of generation ${stored.generation + 1}`;
  if (action === 'refuse')
    return `${now}; by [${stored.partitionBy.join(', ')}], the file says [${partitionBy.join(', ')}]: this cannot be changed`;
  return now;
}

function appliedText(applied: readonly Applied[]): string {
  if (applied.length === 0) return 'nothing to change\n';
  return applied
    .map((one) => `${one.sink}: ${[movedText(one), removedText(one)].filter((text) => text !== '').join('; ')}\n`)
    .join('');
}

function movedText({ moved }: Applied): string {
  if (moved === null) return 'its topics are whole';
  const { from, to, keys, copied, forgotten } = moved;
  const odd = [
    copied > 0 ? `, ${copied} of them to several partitions because they do not say which` : '',
    forgotten > 0 ? `, ${forgotten} left behind because their step is not in the file any more` : '',
  ].join('');
  return `${from.partitions} partitions → ${to.partitions}, generation ${to.generation}, ${keys} keys moved${odd}`;
}

function removedText({ removed }: Applied): string {
  return removed.length === 0 ? '' : `${removed.length} old partitions removed`;
}
