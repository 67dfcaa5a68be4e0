import { Command } from 'commander';
import type { Trace } from '../../admin/agent-actions.ts';
import { type AgentsOptions, askedAgents, collect } from '../admin/agents.ts';

interface Options extends AgentsOptions {
  readonly json?: true;
}

type Step = Trace['steps'][number] & { readonly agent: string };

export function traceCommand(): Command {
  return new Command('trace')
    .description(
      'The way of one notification through all running agents, with times: received, appended, committed, published, and its dead letters. Each agent knows the latest 32,768 steps of all.',
    )
    .argument('<message-id>', "the notification's message_id")
    .option('-c, --config <file>', 'the agent file, whose cluster and token are used')
    .option('--data-dir <dir>', 'the data directory, where the agent file does not name it')
    .option('--url <url>', 'the admin address of one agent; may be given more than once', collect)
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  ceilograph trace 8cd86ab6-9e2b-4f5f-a0ab-1c02d6a0d9c4 -c /etc/ceilograph/agent.yaml\n')
    .action(async (id: string, options: Options) => {
      const agents = await askedAgents(options);
      const answers = await Promise.all(
        agents.map(async ({ agent, client }) => ({
          agent,
          trace: await client.get<Trace>(`/v1/trace/${encodeURIComponent(id)}`),
        })),
      );
      const steps = answers
        .flatMap(({ agent, trace }) => trace.steps.map((step): Step => ({ agent, ...step })))
        .sort((a, b) => a.at - b.at);
      // Agents of one data directory have the same letters.
      const letters = [...new Map(answers.flatMap(({ trace }) => trace.letters).map((letter) => [letter.id, letter])).values()];
      if (steps.length === 0 && letters.length === 0) process.exitCode = 1;
      if (options.json === true) {
        process.stdout.write(`${JSON.stringify({ id, steps, letters })}\n`);
        return;
      }
      if (steps.length === 0) process.stderr.write(`no agent knows ${id} (any more)\n`);
      const begun = steps[0]?.at ?? 0;
      for (const step of steps) process.stdout.write(`${lineOf(step, begun)}\n`);
      for (const { id: letter, stage, reason, message, lastSeen } of letters)
        process.stdout.write(
          `${new Date(lastSeen).toISOString()}  dead letter ${letter} ${stage}/${reason}: ${message.replaceAll(/\s+/g, ' ')}\n`,
        );
    });
}

function lineOf({ agent, at, step, input, origin, sink, unit, epoch, version, publisher, detail }: Step, begun: number): string {
  const where = [input, origin, unit ?? sink, publisher].filter((part) => part !== undefined).join('  ');
  const which = [epoch === undefined ? '' : `epoch ${epoch}`, version === undefined ? '' : `version ${version}`, detail ?? ''];
  const rest = which.filter((part) => part !== '').join(', ');
  return `${new Date(at).toISOString()}  +${String(at - begun).padStart(5)} ms  ${step.padEnd(9)}  ${agent}  ${where}${rest === '' ? '' : `  (${rest})`}`;
}
