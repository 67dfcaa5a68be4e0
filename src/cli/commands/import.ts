import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { loadCeilometer } from '../../config/ceilometer/load-ceilometer.ts';
import { printNativeSink } from '../../config/ceilometer/native-sink.ts';
import { formatNote, type Note } from '../../config/ceilometer/note.ts';
import { ConfigError } from '../../config/problem.ts';
import { CliFailure } from '../failure.ts';

interface Options {
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function importCommand(): Command {
  const command = new Command('import').description("Read another product's configuration and print ours.");
  command
    .command('ceilometer')
    .description("Print Ceilometer's pipeline.yaml and event_pipeline.yaml as native sinks, one YAML document each.")
    .argument('<dir>', 'the folder with the two files')
    .option('--out <dir>', 'write one file per sink into this folder instead')
    .option('--force', 'replace files that are there')
    .option('--json', 'print sinks and notes as one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph import ceilometer /etc/ceilometer\n  ceilograph import ceilometer /etc/ceilometer --out pipelines\n',
    )
    .action(importCeilometer);
  return command;
}

async function importCeilometer(dir: string, options: Options): Promise<void> {
  const loaded = await loadCeilometer(dir).catch((error: unknown) => {
    if (error instanceof ConfigError) throw new CliFailure(error.message);
    throw error;
  });
  for (const note of loaded.notes) if (note.level !== 'took') process.stderr.write(`${formatNote(note)}\n`);
  const sinks = [...loaded.natives].map(([sink, native]) => {
    const about = loaded.notes.filter((note) => note.level !== 'took' && note.sink === native.name && note.file === native.file);
    return { sink, text: printNativeSink(sink, native, about.map(remark)) };
  });
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ sinks, notes: loaded.notes })}\n`);
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
    await writeFile(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new CliFailure(`${file} is there already; --force replaces it`);
    throw error;
  }
}
