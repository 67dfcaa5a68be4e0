import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { loadAgent } from '../../config/load-agent.ts';
import { loadSetup, type Setup, type SetupOptions } from '../../config/load-setup.ts';
import { decodeNotification } from '../../core/convert/envelope.ts';
import { itemLines, toItemLine } from '../../core/convert/wire.ts';
import { readLines } from '../../lib/read-lines.ts';
import { classify } from '../../model/faults.ts';
import { Replay, type ReplayOutput } from '../../pipeline/replay.ts';
import { CliFailure } from '../failure.ts';
import { addressOf } from '../input-address.ts';
import { Progress } from '../progress.ts';
import { sendFile } from '../send-file.ts';

const sendBatch = 500;
const sendTimeoutSeconds = 60;

interface Options extends SetupOptions {
  readonly out?: string;
  readonly recorded?: string;
  readonly pass: string;
  readonly at?: string;
  readonly toCluster?: true;
  readonly input?: string;
  readonly exchange?: string;
  readonly rate?: string;
}

export function replayCommand(): Command {
  return new Command('replay')
    .description(
      'Run recorded notifications through the pipelines in one process; publishes nothing, writes what would have been published. With --to-cluster they are sent to a configured input instead, and whatever runs there takes them.',
    )
    .argument('[in.jsonl]', 'notifications, one JSON object a line (- is stdin)')
    .option('-c, --config <file>', 'the agent file (definitions, limits, folder of the sinks)')
    .option('--pipelines <dir>', 'the folder of the sinks')
    .option('--ceilometer <dir>', "Ceilometer's own files instead")
    .option('--recorded <dir>', 'replay the partition entries that `record:` wrote there, exactly, instead of notifications')
    .option('--out <dir>', 'one file of JSON Lines per sink; without it all goes to stdout as {"sink", "item"}')
    .option('--pass <seconds>', 'quiet time to let pass at the end, so that windows close and deadlines come due', '0')
    .option('--at <time>', 'the wall clock it is said to happen at, ISO 8601 (default now)')
    .option('--to-cluster', 'send them to an input of the agent file, confirmed, in place of computing here')
    .option('--input <name>', 'with --to-cluster: which input (default the first of kind amqp, else http)')
    .option('--exchange <name>', 'with --to-cluster: which of the exchanges of that input')
    .option('--rate <n>', 'with --to-cluster: at most so many a second')
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph replay recorded.jsonl --pipelines pipelines --out out\n  ceilograph replay recorded.jsonl --to-cluster --exchange nova --rate 500 -c /etc/ceilograph/agent.yaml\n',
    )
    .action(async (input: string | undefined, options: Options) => {
      if (options.toCluster === true) return await replayToCluster(input, options);
      const only = (['input', 'exchange', 'rate'] as const).find((name) => options[name] !== undefined);
      if (only !== undefined) throw new CliFailure(`--${only} goes with --to-cluster`, 2);
      if ((input === undefined) === (options.recorded === undefined))
        throw new CliFailure('give either notifications or --recorded', 2);
      const at = options.at === undefined ? Date.now() : Date.parse(options.at);
      if (Number.isNaN(at)) throw new CliFailure(`--at ${options.at}: not a time in ISO 8601`, 2);
      const setup = await loadSetup(options, {});
      for (const note of setup.notes) process.stderr.write(`${note}\n`);
      const sink = await openOutput(options.out);
      const replay = new Replay(setup.config.cluster, setup.sinks, setup.converter, at, (output) => sink.take(output));
      const bad =
        input === undefined
          ? await replayRecorded(setup, replay, options.recorded ?? '')
          : await replayLines(replay, input, sink);
      replay.pass(Number(options.pass) * 1000);
      await sink.end();
      report(replay, sink.items, bad);
      if (bad > 0) process.exitCode = 1;
    });
}

/** Under the ids that they have: who has got one lately takes it for a duplicate. */
async function replayToCluster(file: string | undefined, options: Options): Promise<void> {
  const { input, exchange, out, recorded, rate } = options;
  if (file === undefined || recorded !== undefined || out !== undefined)
    throw new CliFailure('--to-cluster takes a file of notifications, and neither --recorded nor --out', 2);
  const perSecond = rate === undefined ? undefined : Number(rate);
  if (perSecond !== undefined && !(perSecond > 0)) throw new CliFailure(`--rate ${rate}: expected a number above 0`, 2);
  const config = await loadAgent(options.config ?? null, process.env, {});
  const { to, tokenFile, priorities } = await addressOf(config, input, exchange);
  const shown = new URL(to);
  process.stderr.write(
    `sending to ${shown.host}${shown.search === '' ? '' : `, exchange ${shown.searchParams.get('exchange')}`}\n`,
  );
  await sendFile(file, {
    ...{ to, batch: sendBatch, timeout: sendTimeoutSeconds },
    ...(priorities === undefined ? {} : { priorities }),
    ...(perSecond === undefined ? {} : { rate: perSecond }),
    ...(tokenFile === undefined ? {} : { tokenFile: resolve(config.baseDir, tokenFile) }),
  });
}

/** Bad lines are told with their number and left out; the others go on. */
async function replayLines(replay: Replay, input: string, sink: Output): Promise<number> {
  const stream = input === '-' ? process.stdin : createReadStream(input);
  const progress = new Progress(input === '-' ? null : input, process.stderr);
  let bad = 0;
  for await (const { bytes, number: line } of readLines(stream, 8 * 1024 * 1024)) {
    progress.add(bytes.length + 1);
    try {
      replay.apply(decodeNotification(bytes));
    } catch (error) {
      bad += 1;
      const fault = classify(error);
      process.stderr.write(`${input}:${line}: ${fault.code}: ${fault.message}\n`);
    }
    if (line % 500 === 0) await sink.drain();
  }
  progress.end();
  return bad;
}

async function replayRecorded(setup: Setup, replay: Replay, folder: string): Promise<number> {
  for (const name of (await readdir(folder)).sort()) {
    const ref = /^cg\.(.+)\.([a-z0-9_-]+)\.g\d+\.p(\d+)\.log$/.exec(name);
    if (ref === null || !setup.sinks.some((sink) => sink.sink === ref[2])) continue;
    replay.applyRecording(ref[2] as string, Number(ref[3]), await readFile(join(folder, name), 'utf8'));
  }
  return 0;
}

interface Output {
  readonly items: number;
  take(output: ReplayOutput): void;
  drain(): Promise<void>;
  end(): Promise<void>;
}

async function openOutput(folder: string | undefined): Promise<Output> {
  const pending = new Map<string, string[]>();
  let items = 0;
  if (folder !== undefined) await mkdir(folder, { recursive: true });
  const files = new Map<string, Awaited<ReturnType<typeof open>>>();
  const write = async (sink: string, text: string) => {
    if (folder === undefined) {
      if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve));
      return;
    }
    const file = files.get(sink) ?? (await open(join(folder, `${sink}.jsonl`), 'w'));
    files.set(sink, file);
    await file.appendFile(text);
  };
  const drain = async () => {
    for (const [sink, texts] of pending) await write(sink, texts.join(''));
    pending.clear();
  };
  return {
    get items() {
      return items;
    },
    take: (output) => {
      items += output.items.length;
      const text =
        folder === undefined
          ? output.items.map((item) => `{"sink":${JSON.stringify(output.sink)},"item":${toItemLine(item)}}\n`).join('')
          : itemLines(output.items);
      const list = pending.get(output.sink) ?? [];
      list.push(text);
      pending.set(output.sink, list);
    },
    drain,
    end: async () => {
      await drain();
      for (const file of files.values()) await file.close();
    },
  };
}

function report(replay: Replay, items: number, bad: number): void {
  const drops = [...replay.dropped].map(([reason, count]) => `${reason} ${count}`);
  const letters = [...replay.deadLetters].map(([reason, { count }]) => `${reason} ${count}`);
  const part = (name: string, counts: readonly string[]) => (counts.length === 0 ? '' : `; ${name}: ${counts.join(', ')}`);
  const lines = bad > 0 ? `; ${bad} bad lines` : '';
  process.stderr.write(`${items} outputs${part('dropped', drops)}${part('dead letters', letters)}${lines}\n`);
}
