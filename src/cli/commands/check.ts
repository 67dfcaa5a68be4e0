import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { liveproxyProblems } from '../../agent/load-liveproxy.ts';
import { mailProbe } from '../../agent/open-mail.ts';
import { probeCluster } from '../../agent/probe-cluster.ts';
import { formatNote } from '../../config/ceilometer/note.ts';
import { type Checked, checkAll } from '../../config/check.ts';
import { effectiveSettings } from '../../config/effective.ts';
import { type Probed, probeAll } from '../../config/probe.ts';
import { formatProblem } from '../../config/problem.ts';
import { shipped } from '../../config/registries.ts';
import { systemClock } from '../../lib/clock.ts';

interface Options {
  readonly config?: string;
  readonly connect?: boolean;
  readonly effective?: boolean;
  readonly json?: boolean;
}

export function checkCommand(): Command {
  return new Command('check')
    .description('Check agent file, sinks and definitions, and tell everything that is wrong, with file, line and column.')
    .argument('[path...]', 'sinks, agent files, definitions, or folders of them; without any: what the agent would run with')
    .option('-c, --config <file>', 'the agent file (default: agent.yaml, if there is one)')
    .option(
      '--connect',
      'also try every input and publisher, Redis and the internal topics; nothing is published, what an input delivers is given back',
    )
    .option('--effective', 'also print every setting and where it comes from, secrets masked')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph check\n  ceilograph check pipelines/cpu-util.yaml\n  ceilograph check -c /etc/ceilograph/agent.yaml --connect\n',
    )
    .action(run);
}

async function run(paths: readonly string[], options: Options): Promise<void> {
  const agentFile = options.config ?? (paths.length === 0 && existsSync('agent.yaml') ? 'agent.yaml' : null);
  const read = await checkAll(paths, agentFile, process.env);
  const beside = read.agent === null ? [] : await liveproxyProblems(read.agent.config);
  const checked = { ...read, problems: [...read.problems, ...beside] };
  const mail = checked.agent === null ? undefined : mailProbe(checked.agent.config, systemClock);
  const tools = { registries: shipped, clock: systemClock, random: Math.random, timeoutMs: 10_000, mail };
  const probes =
    options.connect === true && checked.agent !== null
      ? [...(await probeAll(checked.agent.config, checked.sinks, tools)), ...(await probeCluster(checked.agent.config))]
      : [];
  const ok = checked.problems.length === 0 && probes.every((probe) => probe.fault === null);
  if (options.json === true) printJson(ok, checked, probes, options);
  else printText(checked, probes, options);
  if (!ok) process.exitCode = 1;
}

function printText(checked: Checked, probes: readonly Probed[], options: Options): void {
  const out = (line: string) => process.stdout.write(`${line}\n`);
  for (const problem of checked.problems) out(formatProblem(problem));
  for (const note of checked.notes) out(formatNote(note));
  for (const warning of checked.warnings) out(`warning: ${warning}`);
  for (const { what, fault } of probes) out(`${what} ${fault === null ? 'answers' : `does not answer: ${fault}`}`);
  if (options.effective === true && checked.agent !== null)
    for (const { path, value, origin } of effectiveSettings(checked.agent)) out(`${path}: ${JSON.stringify(value)}  # ${origin}`);
  const silent = probes.filter((probe) => probe.fault !== null).length;
  const failed = checked.problems.length + silent;
  const about = `${checked.sinks.length} ${checked.sinks.length === 1 ? 'sink' : 'sinks'}`;
  process.stderr.write(
    failed === 0 ? `${about}, no problems\n` : `${about} usable, ${failed} ${failed === 1 ? 'problem' : 'problems'}\n`,
  );
}

function printJson(ok: boolean, checked: Checked, probes: readonly Probed[], options: Options): void {
  const sinks = checked.sinks.map(({ sink, from, origin, partitions, hash, steps, publish }) => ({
    sink,
    from,
    origin,
    partitions,
    hash,
    transform: steps.map((step) => step.name),
    publish: publish.map((target) => target.name),
  }));
  const effective = options.effective === true && checked.agent !== null ? { effective: effectiveSettings(checked.agent) } : {};
  const { problems, notes, warnings } = checked;
  process.stdout.write(`${JSON.stringify({ ok, problems, sinks, notes, warnings, probes, ...effective })}\n`);
}
