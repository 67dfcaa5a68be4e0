import { createReadStream } from 'node:fs';
import { Command, Option } from 'commander';
import { readDefinitions } from '../../config/definitions.ts';
import { shippedDefinitions } from '../../config/load-setup.ts';
import { ConfigError } from '../../config/problem.ts';
import { readable } from '../../config/read-file.ts';
import { type Converter, createConverter } from '../../core/convert/converter.ts';
import { decodeNotification } from '../../core/convert/envelope.ts';
import { toEventLine, toSampleLine } from '../../core/convert/wire.ts';
import { readLines } from '../../lib/read-lines.ts';
import { classify, Fault } from '../../model/faults.ts';
import { CliFailure } from '../failure.ts';

interface Options {
  readonly meters?: readonly string[];
  readonly events?: readonly string[];
  readonly to?: 'samples' | 'events';
  readonly compat?: boolean;
}

const longestLine = 8 * 1024 * 1024;
/** Output is handed to stdout in pieces of this size, and reading waits while stdout has enough. */
const pieceLength = 64 * 1024;

export function convertCommand(): Command {
  return new Command('convert')
    .description(
      'Turn notifications (one JSON object a line; oslo envelopes or plain) into samples and events, as JSON Lines on stdout.',
    )
    .argument('[in.jsonl]', 'notifications (- is stdin)', '-')
    .option('--meters <path...>', 'meter definitions, files or folders (default: those that come with the product)')
    .option('--events <path...>', 'event definitions, files or folders (default: those that come with the product)')
    .addOption(new Option('--to <kind>', 'only these (default: both)').choices(['samples', 'events']))
    .option('--compat', 'exactly Ceilometer: its reading of YAML, and its answer where a definition cannot handle a notification')
    .action(async (input: string, options: Options) => {
      const bad = await convertLines(input, await openConverter(options), options.to);
      if (bad > 0) process.exitCode = 1;
    });
}

async function openConverter({ meters, events, compat = false }: Options): Promise<Converter> {
  const paths = { meters: meters ?? shippedDefinitions.meters, events: events ?? shippedDefinitions.events };
  try {
    const definitions = await readDefinitions(paths, compat ? 'pyyaml' : 'yaml-1.2');
    const converter = createConverter({ ...definitions, options: { compat } });
    for (const warning of converter.warnings) process.stderr.write(`${warning}\n`);
    return converter;
  } catch (error) {
    if (error instanceof ConfigError || error instanceof Fault) throw new CliFailure(error.message, 1);
    throw error;
  }
}

/** Returns how many lines were bad; each is told with its place and reason, and the others go on. */
async function convertLines(input: string, converter: Converter, to: Options['to']): Promise<number> {
  const stream = input === '-' ? process.stdin : createReadStream(input);
  const name = input === '-' ? 'stdin' : input;
  let bad = 0;
  let out = '';
  const report = (line: number, code: string, message: string) => {
    bad += 1;
    process.stderr.write(`${name}:${line}: ${code}: ${message}\n`);
  };
  try {
    for await (const { bytes, number, cut } of readLines(stream, longestLine)) {
      if (cut) report(number, 'too_large', `longer than ${longestLine} bytes`);
      else if (bytes.length > 0) out += convertLine(bytes, converter, to, (code, message) => report(number, code, message));
      if (out.length < pieceLength) continue;
      await writeOut(out);
      out = '';
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new CliFailure(`${name}: ${readable(error)}`);
  }
  await writeOut(out);
  return bad;
}

function convertLine(
  bytes: Uint8Array,
  converter: Converter,
  to: Options['to'],
  report: (code: string, message: string) => void,
): string {
  let out = '';
  try {
    const { samples, events, problems, verdict } = converter.convert(decodeNotification(bytes));
    for (const { stage, code, message } of problems)
      report(code, `${stage}: ${message}${verdict === 'requeue' ? ' (Ceilometer would requeue the notification)' : ''}`);
    if (to !== 'events') for (const sample of samples) out += `${toSampleLine(sample)}\n`;
    if (to !== 'samples') for (const event of events) out += `${toEventLine(event)}\n`;
    return out;
  } catch (error) {
    const fault = classify(error);
    if (fault.class === 'fatal') throw error;
    report(fault.code, fault.message);
    return '';
  }
}

async function writeOut(text: string): Promise<void> {
  if (text === '' || process.stdout.write(text)) return;
  await new Promise((resolve) => process.stdout.once('drain', resolve));
}
