import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Argument, Command, Option } from 'commander';
import { projectDir } from './program.ts';

/** `docs/commands.md`, from the command tree itself: what `--help` says, on one page. */
export async function renderCommands(): Promise<string> {
  const commands = await loadCommands();
  const lines = [
    '# Commands',
    '',
    'Written by `npm run generate` from the commands themselves; `ceilograph <command> --help` says the same.',
    '',
    'Data goes to stdout, talk to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage; with `status --check` 0 to 3 as a monitoring',
    'plugin. `--json` gives one JSON value (or JSON Lines) of a stable shape. A reader that goes away is no error.',
    '',
    ...commands.flatMap((command) => section(command, 'ceilograph')),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

export async function loadCommands(): Promise<readonly Command[]> {
  const folder = join(projectDir, 'src/cli/commands');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ts')).sort();
  const modules = await Promise.all(files.map((name) => import(join(folder, name)) as Promise<Record<string, unknown>>));
  return modules.flatMap((module) =>
    Object.entries(module)
      .filter(([name, value]) => name.endsWith('Command') && typeof value === 'function')
      .map(([, value]) => (value as () => Command)()),
  );
}

function section(command: Command, parent: string): string[] {
  const name = `${parent} ${command.name()}`;
  const help = command.createHelp();
  const members = help.visibleArguments(command);
  const options = help.visibleOptions(command).filter((option) => option.long !== '--help');
  return [
    `## \`${name}\``,
    '',
    command.description(),
    '',
    '```',
    help.commandUsage(command).replace(/^(?:ceilograph )?/, 'ceilograph '),
    '```',
    '',
    ...table(members, options),
    ...example(command),
    ...command.commands.flatMap((child) => section(child, name)),
  ];
}

function table(members: readonly Argument[], options: readonly Option[]): string[] {
  const rows = [
    ...members.map((member) => [member.name(), member.description, member.defaultValue] as const),
    ...options.map((option) => [option.flags, option.description, option.defaultValue] as const),
  ];
  if (rows.length === 0) return [];
  const cell = (text: string) => text.replaceAll('|', '\\|');
  return [
    '| argument or option | meaning | default |',
    '|---|---|---|',
    ...rows.map(([flags, about, value]) => `| \`${cell(flags)}\` | ${cell(about)} | ${shown(value)} |`),
    '',
  ];
}

function shown(value: unknown): string {
  if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) return '';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

/** What `addHelpText('after', …)` prints. */
function example(command: Command): string[] {
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  command.configureOutput({ writeOut: write, getOutHasColors: () => false }).outputHelp();
  const after = text.slice(text.indexOf(command.helpInformation()) + command.helpInformation().length).trim();
  const body = after.replace(/^Examples?:\n/, '');
  return body === '' ? [] : ['```', ...body.split('\n').map((line) => line.replace(/^ {2}/, '')), '```', ''];
}
