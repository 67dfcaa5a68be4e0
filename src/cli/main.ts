#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { ConfigError, formatProblem } from '../config/problem.ts';
import { Fault } from '../model/faults.ts';
import { CliFailure } from './failure.ts';
import { version } from './version.ts';

/**
 * Every command is loaded only when it is called, so that `ceilograph status` does not pay for a broker's client. Data goes to
 * stdout, talk to stderr; a reader that goes away (EPIPE) is silence, not an error.
 */
const commands: readonly { readonly name: string; readonly summary: string; readonly load: () => Promise<Command> }[] = [
  {
    name: 'demo',
    summary: 'three agents, real-shaped traffic, one of them killed, every output compared',
    load: async () => (await import('./commands/demo.ts')).demoCommand(),
  },
  { name: 'agent', summary: 'run an agent', load: async () => (await import('./commands/agent.ts')).agentCommand() },
  {
    name: 'replay',
    summary: 'run recorded notifications through the pipelines',
    load: async () => (await import('./commands/replay.ts')).replayCommand(),
  },
  {
    name: 'test',
    summary: 'run the tests beside the pipelines',
    load: async () => (await import('./commands/test.ts')).testCommand(),
  },
  {
    name: 'send',
    summary: 'send notifications to a broker or an agent',
    load: async () => (await import('./commands/send.ts')).sendCommand(),
  },
  {
    name: 'status',
    summary: 'members, partitions, lag, dead letters',
    load: async () => (await import('./commands/status.ts')).statusCommand(),
  },
  {
    name: 'liveproxy',
    summary: 'one socket per monitoring site, in front of its Livestatus',
    load: async () => (await import('./commands/liveproxy.ts')).liveproxyCommand(),
  },
  {
    name: 'spool',
    summary: 'notifications between sites: what waits, who is connected',
    load: async () => (await import('./commands/spool.ts')).spoolCommand(),
  },
  {
    name: 'reload',
    summary: 'have running agents load their configuration anew',
    load: async () => (await import('./commands/reload.ts')).reloadCommand(),
  },
  {
    name: 'top',
    summary: 'agents, sinks, targets and partitions with rates, live',
    load: async () => (await import('./commands/top.ts')).topCommand(),
  },
  {
    name: 'tap',
    summary: 'items as they flow through the running agents',
    load: async () => (await import('./commands/tap.ts')).tapCommand(),
  },
  {
    name: 'trace',
    summary: 'the way of one notification, with times',
    load: async () => (await import('./commands/trace.ts')).traceCommand(),
  },
  {
    name: 'deadletter',
    summary: 'what could not be used: list, show, retry, drop',
    load: async () => (await import('./commands/deadletter.ts')).deadletterCommand(),
  },
  {
    name: 'topics',
    summary: 'change the number of partitions of a sink',
    load: async () => (await import('./commands/topics.ts')).topicsCommand(),
  },
  {
    name: 'hosts',
    summary: 'hosts that are expected to report: list, show, silence, maintain',
    load: async () => (await import('./commands/hosts.ts')).hostsCommand(),
  },
  {
    name: 'mail',
    summary: 'the queue of mails: list, show, retry, hold, drop, flush, test',
    load: async () => (await import('./commands/mail.ts')).mailCommand(),
  },
  {
    name: 'schema',
    summary: 'JSON Schema of the configuration files',
    load: async () => (await import('./commands/schema.ts')).schemaCommand(),
  },
  {
    name: 'import',
    summary: "read another product's configuration",
    load: async () => (await import('./commands/import.ts')).importCommand(),
  },
  {
    name: 'check',
    summary: 'check configuration, pipelines and definitions',
    load: async () => (await import('./commands/check.ts')).checkCommand(),
  },
  {
    name: 'completion',
    summary: 'what lets a shell complete commands and options',
    load: async () => (await import('./commands/completion.ts')).completionCommand(),
  },
  {
    name: 'convert',
    summary: 'notifications in, samples or events out',
    load: async () => (await import('./commands/convert.ts')).convertCommand(),
  },
];

async function main(argv: readonly string[]): Promise<number> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  const program = new Command('ceilograph')
    .description('Notifications in; samples, events, rates and aggregates out, that stay right whatever dies.')
    .version(version())
    .enablePositionalOptions(); // what stands behind a command is for it and its own commands
  const wanted = argv[2];
  for (const command of commands) {
    // The one command that must know all of the others.
    if (command.name === wanted || wanted === 'completion') program.addCommand(await command.load());
    else program.addCommand(new Command(command.name).description(command.summary));
  }
  for (const command of [program, ...program.commands]) throwInsteadOfExit(command);
  program.showSuggestionAfterError().showHelpAfterError('(ceilograph --help lists the commands)');
  try {
    await program.parseAsync([...argv]);
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CliFailure) {
      process.stderr.write(`ceilograph: ${error.message}\n`);
      return error.exitCode;
    }
    if (error instanceof ConfigError) {
      process.stderr.write(`${error.problems.map(formatProblem).join('\n')}\n`);
      return 1;
    }
    if (error instanceof Fault) {
      process.stderr.write(`ceilograph: ${error.message} (${error.code})\n`);
      return 1;
    }
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(`ceilograph: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExit(child);
}

const code = await main(process.argv);
process.exitCode = code;
