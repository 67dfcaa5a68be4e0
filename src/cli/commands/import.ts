import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { printAgentFile } from '../../config/ceilometer/agent-file.ts';
import { loadCeilometer, loadConf } from '../../config/ceilometer/load-ceilometer.ts';
import { printNativeSink } from '../../config/ceilometer/native-sink.ts';
import { formatNote, type Note } from '../../config/ceilometer/note.ts';
import { ConfigError, formatProblem } from '../../config/problem.ts';
import { CliFailure } from '../failure.ts';

interface Options {
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
  readonly agentFile?: string;
}

export function importCommand(): Command {
  const command = new Command('import').description("Read another product's configuration and print ours.");
  command
    .command('ceilometer')
    .description("Print Ceilometer's pipeline.yaml and event_pipeline.yaml as native sinks, one YAML document each.")
    .argument('<dir>', 'the folder with ceilometer.conf and the two files')
    .option(
      '--out <dir>',
      'write one file per sink into this folder instead; passwords in URLs go with them, so only the owner may read them',
    )
    .option('--agent-file <file>', 'also write what ceilometer.conf says as an agent file')
    .option('--force', 'replace files that are there')
    .option('--json', 'print sinks and notes as one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph import ceilometer /etc/ceilometer\n  ceilograph import ceilometer /etc/ceilometer --out pipelines --agent-file agent.yaml\n',
    )
    .action(importCeilometer);
  return command;
}

async function importCeilometer(dir: string, options: Options): Promise<void> {
  const told = (error: unknown): never => {
    if (error instanceof ConfigError) throw new CliFailure(error.message);
    throw error;
  };
  const conf = await loadConf(dir).catch(told);
  const coordinated = conf?.settings.some((setting) => setting.path === 'coordination') ?? false;
  const loaded = await loadCeilometer(dir, { coordinated }, conf).catch(told);
  for (const note of loaded.notes) if (note.level !== 'took') process.stderr.write(`${formatNote(note)}\n`);
  for (const problem of loaded.refused) process.stderr.write(`${formatProblem(problem)}\n`);
  const agent = printAgentFile(conf?.settings ?? [], loaded.definitions);
  if (options.agentFile !== undefined) await writeNew(options.agentFile, agent, options.force === true);
  const sinks = [...loaded.natives].map(([sink, native]) => {
    const about = loaded.notes.filter((note) => note.level !== 'took' && note.sink === native.name && note.file === native.file);
    return { sink, text: printNativeSink(sink, native, about.map(remark)) };
  });
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ sinks, agent, notes: loaded.notes, problems: loaded.refused })}\n`);
    return;
  }
  if (options.out === undefined) {
    process.stdout.write(sinks.map(({ text }) => text).join('---\n'));
    return;
  }
  await mkdir(options.out, { recursive: true });
  for (const { sink, text } of sinks) await writeNew(join(options.out, `${sink}.yaml`), text, options.force === true);
  process.stderr.write(`${sinks.length} sinks written to ${options.out}\n`);
}

function remark({ level, text }: Note): string {
  return `${level === 'changed' ? 'Changed' : 'Left out'}: ${text}.`;
}

async function writeNew(file: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: force ? 'w' : 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new CliFailure(`${file} is there already; --force replaces it`);
    throw error;
  }
}
