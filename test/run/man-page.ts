import type { Command } from 'commander';
import { loadCommands } from './command-reference.ts';

/** `deploy/man/ceilograph.1`, from the command tree: what `--help` says, for `man`. */
export async function renderManPage(): Promise<string> {
  const commands = await loadCommands();
  return `${[
    `.TH CEILOGRAPH 1 "" "ceilograph" "User Commands"`,
    '.SH NAME',
    'ceilograph \\- notifications in; samples, events, rates and aggregates out, that stay right whatever dies',
    '.SH SYNOPSIS',
    '.B ceilograph',
    '.I command',
    '[options]',
    '.SH DESCRIPTION',
    'Turns the notifications of clouds and monitoring sites into samples and events, computes rates, aggregates and correlations over them',
    'with several agents, and delivers the results.',
    'Data goes to stdout, talk to stderr.',
    '.SH COMMANDS',
    ...commands.flatMap((command) => section(command, '')),
    '.SH EXIT STATUS',
    '0 done, 1 failed, 2 wrong usage; with \\fBstatus \\-\\-check\\fR 0 to 3 as a monitoring plugin.',
    '.SH ENVIRONMENT',
    'Every setting of the agent file as \\fBCEILOGRAPH_\\fR\\fISETTING\\fR, dots as underscores. \\fBNO_COLOR\\fR: no colours.',
    '.SH FILES',
    '.I /etc/ceilograph/agent.yaml',
    '.br',
    '.I /etc/ceilograph/pipelines',
    '.br',
    '.I /var/lib/ceilograph',
  ].join('\n')}\n`;
}

function section(command: Command, parent: string): readonly string[] {
  const name = `${parent} ${command.name()}`.trim();
  const help = command.createHelp();
  const terms = [
    ...help.visibleArguments(command).map((each) => [help.argumentTerm(each), help.argumentDescription(each)] as const),
    ...help
      .visibleOptions(command)
      .filter(({ long }) => long !== '--help')
      .map((each) => [help.optionTerm(each), help.optionDescription(each)] as const),
  ];
  return [
    `.SS ${name}`,
    text(command.description()),
    ...terms.flatMap(([term, about]) => ['.TP', `\\fB${text(term)}\\fR`, text(about)]),
    ...command.commands.flatMap((child) => section(child, name)),
  ];
}

/** Nothing of it is taken for an order to the formatter. */
function text(words: string): string {
  return words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .split('\n')
    .map((line) => line.trim().replace(/^([.'])/, '\\&$1'))
    .filter((line) => line !== '')
    .join('\n');
}
