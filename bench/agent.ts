import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Bar, bar, barLines } from './bars.ts';
import { build, endTogether, exited, start } from './children.ts';
import { embeddedPair, type Row } from './embedded-pair.ts';
import { machine, machineLine, median, rounded } from './process-figures.ts';

/**
 * What one agent costs. Three parts, each measured in processes of their own:
 *
 * - `ids`: the memory of an open notification id (`open-ids.ts`)
 * - `rabbitmq`: the built agent from a durable RabbitMQ queue to files, beside a bare amqplib loop in the same run (`rabbitmq-to-file.ts`)
 * - `embedded`: append → topic → worker → commit → file, `rate_of_change` with few keys and with a million (`embedded-pair.ts`)
 *
 *     npm run bench -- agent [--json] [--part ids|rabbitmq|embedded] [--minutes 8]
 *       [--notifications 20000] [--rounds 3] [--keys 3200,1000000] [--commits 1280] [--blocks 8]
 *
 * The defaults are small, so that all of it ends within ten minutes on two busy cores. What is not done when `--minutes` are over is
 * left out, and the output says how much was measured. Without AMQP_URL a RabbitMQ of its own is started. The agent is `dist/`, built first.
 */
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    part: { type: 'string' },
    minutes: { type: 'string', default: '8' },
    notifications: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
    keys: { type: 'string', default: '3200,1000000' },
    commits: { type: 'string', default: '1280' },
    blocks: { type: 'string', default: '8' },
  },
});

type Figures = Readonly<Record<string, number>>;

interface Part {
  readonly figures: Readonly<Record<string, unknown>>;
  readonly table: string;
  readonly bars: readonly Bar[];
}

endTogether();

const until = performance.now() + Number(values.minutes) * 60_000;
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const tsx = [process.execPath, '--expose-gc', '--import', 'tsx'];

/** The last line of the command's stdout, as JSON; what it says else is talk. */
async function figuresOf(command: readonly string[]): Promise<Figures> {
  const child = start(command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = child.stdout === null ? '' : await text(child.stdout);
  const code = await exited(child);
  if (code !== 0) throw new Error(`${command.slice(1).join(' ')} ended with ${code}`);
  return JSON.parse(said.trimEnd().split('\n').at(-1) ?? '') as Figures;
}

/** Two processes that do the same, but for the ids they keep: three such pairs, because garbage that stays differs by some MiB. */
async function openIds(): Promise<Part> {
  const perId: number[] = [];
  const costs: number[] = [];
  for (let i = 0; i < 3; i++) {
    const kept = await figuresOf([...tsx, here('open-ids.ts'), 'keep']);
    const expired = await figuresOf([...tsx, here('open-ids.ts'), 'expire']);
    const ids = (kept['open'] ?? 0) - (expired['open'] ?? 0);
    perId.push((((kept['rssAnonMiB'] ?? 0) - (expired['rssAnonMiB'] ?? 0)) * 2 ** 20) / ids);
    costs.push(kept['microsecondsPerId'] ?? 0);
    process.stderr.write(`open ids, pair ${i + 1} of 3: ${perId.at(-1)?.toFixed(1)} B each\n`);
  }
  const bytesPerOpenId = rounded(median(perId), 1);
  const figures = { bytesPerOpenId, microsecondsPerId: median(costs) };
  return {
    figures,
    table: `A million open notification ids, RssAnon against the same with forgotten ones, median of 3 pairs

  B per open id        ${bytesPerOpenId}
  CPU-µs to ask for an id and add it, with its stored line: ${figures.microsecondsPerId}
`,
    bars: [bar('B of RssAnon per open notification id', bytesPerOpenId, 20)],
  };
}

async function rabbitmqToFile(): Promise<Part> {
  await build();
  const left = Math.max(1, Math.round((until - performance.now()) * (values.part === undefined ? 0.45 : 1)));
  const bench = [...tsx, here('rabbitmq-to-file.ts'), values.notifications, values.rounds, `${left}`];
  const services = [here('../test/services/services.sh'), 'run', 'rabbitmq', '--'];
  const figures = await figuresOf(process.env['AMQP_URL'] === undefined ? [...services, ...bench] : bench);
  return {
    figures: {
      ...figures,
      peers: { bareLoop: { cpuSecondsPer100k: figures['bareCpuSecondsPer100k'] } },
      ratio: {
        toBareLoop: figures['ratioToBare'],
        toParse: rounded((figures['cpuSecondsPer100k'] ?? 0) / (figures['parseCpuSecondsPer100k'] ?? 1), 1),
      },
    },
    table: `RabbitMQ to file: ${figures['notifications']} notifications of 2.1 kB a round, ${figures['rounds']} of ${values.rounds} rounds, medians

  CPU-s per 100 k      ${figures['cpuSecondsPer100k']}   (after the first ${figures['firstNotifications']}, which cost ${figures['cpuSecondsOfTheFirst']} CPU-s, compiling included)
  a bare amqplib loop  ${figures['bareCpuSecondsPer100k']}   (${figures['ratioToBare']} times as much as that)
  JSON.parse alone     ${figures['parseCpuSecondsPer100k']}
  notifications/s      ${figures['perSecond']}
  unhurried, one every 20 ms, published → in the file: p50 ${figures['p50Ms']} ms, p99 ${figures['p99Ms']} ms
  RssAnon              ${figures['rssAnonMiB']} MiB
`,
    bars: [
      bar('CPU-s per 100,000 notifications, RabbitMQ to file', figures['cpuSecondsPer100k'] ?? Number.NaN, 6),
      bar('MiB of RssAnon, RabbitMQ to file', figures['rssAnonMiB'] ?? Number.NaN, 250),
    ],
  };
}

async function embeddedPath(): Promise<Part> {
  const [few = 3200, many = 1_000_000] = values.keys.split(',').map(Number);
  const options = { few, many, blocks: Number(values.blocks), commits: Number(values.commits), until };
  const pair = await embeddedPair(options);
  const rows = [pair.few, pair.many];
  // Memory per key means nothing where there are few.
  const bytesPerKey = many >= 100_000 ? rounded(((pair.many.rssAnonMiB - 250) * 2 ** 20) / many, 0) : null;
  const cells = (label: string, name: keyof Row) =>
    `  ${label.padEnd(34)}${rows.map((row) => `${row[name]}`.padStart(12)).join('')}`;
  const [kBFew, kBMany] = [pair.few.writtenKBPerSample, pair.many.writtenKBPerSample];
  return {
    figures: {
      embedded: rows,
      embeddedRatio: pair.ratio,
      embeddedBlocks: pair.blocks,
      ...(bytesPerKey !== null && { bytesPerKey }),
    },
    table: [
      `The embedded path, per 100,000 samples, 200 keys a commit, 16 partitions, ${pair.blocks} of ${values.blocks} blocks each in turns`,
      `  CPU with many keys against few: ${pair.ratio} (block by block ${pair.ratioFrom} to ${pair.ratioTo})`,
      '',
      cells('keys', 'keys'),
      cells('commits', 'commits'),
      cells('CPU-s per 100 k samples', 'cpuSecondsPer100k'),
      cells('JSON.parse of 100 k notifications', 'parseCpuSecondsPer100k'),
      cells('times as much as that', 'ratioToParse'),
      cells('samples/s', 'perSecond'),
      cells('append → settled, p50 ms', 'p50Ms'),
      cells('append → settled, p99 ms', 'p99Ms'),
      cells('kB written per sample', 'writtenKBPerSample'),
      cells('kB dirtied per sample', 'dirtiedKBPerSample'),
      cells('RssAnon MiB', 'rssAnonMiB'),
      '',
    ].join('\n'),
    bars: [
      bar(`CPU per sample with ${many} keys against ${few}`, pair.ratio, 1.3),
      bar('kB written per sample', Math.max(kBFew, kBMany), 8),
      ...(bytesPerKey === null ? [] : [bar(`B of RssAnon per key beyond 250 MiB, of ${many}`, bytesPerKey, 300)]),
    ],
  };
}

const parts = { ids: openIds, rabbitmq: rabbitmqToFile, embedded: embeddedPath } as const;
const chosen = Object.entries(parts).filter(([name]) => values.part === undefined || values.part === name);
if (chosen.length === 0) throw new Error(`--part is one of ${Object.keys(parts).join(', ')}`);
const begun = machine();
const bars: Bar[] = [];
let result: Record<string, unknown> = { name: 'agent' };
for (const [, part] of chosen) {
  const { figures, table, bars: promised } = await part();
  result = { ...result, ...figures };
  bars.push(...promised);
  console.log(table);
}
console.log(machineLine(begun));
console.log(barLines(bars));
if (values.json) console.log(JSON.stringify({ ...result, bars, machine: begun, loadAtTheEnd: machine().load }));
