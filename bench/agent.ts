import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { rounded } from './process-figures.ts';

/**
 * What one agent costs. Two paths, each measured in processes of their own:
 *
 * - `rabbitmq`: the built agent from a durable RabbitMQ queue to files, beside a bare amqplib loop in the same run (`rabbitmq-to-file.ts`)
 * - `embedded`: append → topic → worker → commit → file, `rate_of_change` with few keys and with a million (`embedded-path.ts`)
 *
 *     npm run bench -- agent [--json] [--part rabbitmq|embedded] [--notifications 40000] [--rounds 3] [--keys 3200,1000000] [--commits 1600]
 *
 * Without AMQP_URL a RabbitMQ of its own is started. The agent is `dist/`, built first.
 */
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    part: { type: 'string' },
    notifications: { type: 'string', default: '40000' },
    rounds: { type: 'string', default: '3' },
    keys: { type: 'string', default: '3200,1000000' },
    commits: { type: 'string', default: '1600' },
  },
});

type Figures = Readonly<Record<string, number>>;

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const tsx = [process.execPath, '--import', 'tsx'];

/** The last line of the command's stdout, as JSON; what it says else is talk. */
async function figuresOf(command: readonly string[]): Promise<Figures> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
  return JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as Figures;
}

async function rabbitmqToFile(): Promise<Figures> {
  // Not on stdout, where the figures go.
  await new Promise<void>((resolve, reject) => {
    const build = spawn('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 'ignore', 'inherit'] });
    build.on('exit', (code) => (code === 0 ? resolve() : reject(new Error('the build failed'))));
  });
  const bench = [...tsx, here('rabbitmq-to-file.ts'), values.notifications, values.rounds];
  if (process.env['AMQP_URL'] !== undefined) return figuresOf(bench);
  return figuresOf([here('../test/services/services.sh'), 'run', 'rabbitmq', '--', ...bench]);
}

const [few = 3200, many = 1_000_000] = values.keys.split(',').map(Number);
const result: Record<string, unknown> = { name: 'agent' };

if (values.part !== 'embedded') {
  const figures = await rabbitmqToFile();
  Object.assign(result, figures);
  console.log(`RabbitMQ to file: ${figures['notifications']} notifications of 2.1 kB a round, ${values.rounds} rounds, medians

  CPU-s per 100 k      ${figures['cpuSecondsPer100k']}   (target 6)
  a bare amqplib loop  ${figures['bareCpuSecondsPer100k']}   (${figures['ratioToBare']} times as much as that)
  notifications/s      ${figures['perSecond']}
  unhurried, one every 20 ms, published → in the file: p50 ${figures['p50Ms']} ms, p99 ${figures['p99Ms']} ms
  RssAnon              ${figures['rssAnonMiB']} MiB
`);
}

if (values.part !== 'rabbitmq') {
  const embedded = async (keys: number) =>
    figuresOf([...tsx.slice(0, 1), '--expose-gc', ...tsx.slice(1), here('embedded-path.ts'), `${keys}`, values.commits]);
  const rows = [await embedded(few), await embedded(many)] as const;
  const ratio = rounded((rows[1]['cpuSecondsPer100k'] ?? 0) / (rows[0]['cpuSecondsPer100k'] ?? 1), 2);
  Object.assign(result, { embedded: rows, embeddedRatio: ratio });
  const cells = (label: string, name: string) =>
    `  ${label.padEnd(34)}${rows.map((row) => `${row[name]}`.padStart(12)).join('')}`;
  console.log(
    [
      `The embedded path, per 100,000 samples, 200 keys a commit, 16 partitions; the ratio of CPU is ${ratio} (target 1.3)`,
      '',
      cells('keys', 'keys'),
      cells('CPU-s per 100 k samples', 'cpuSecondsPer100k'),
      cells('samples/s', 'perSecond'),
      cells('append → settled, p50 ms', 'p50Ms'),
      cells('append → settled, p99 ms', 'p99Ms'),
      cells('kB written per sample (≤ 8)', 'writtenKBPerSample'),
      cells('kB dirtied per sample', 'dirtiedKBPerSample'),
      cells('RssAnon MiB', 'rssAnonMiB'),
      cells('B per key beyond 250 MiB (≤ 300)', 'bytesPerKey'),
      cells('B per open notification id (≤ 20)', 'bytesPerOpenId'),
    ].join('\n'),
  );
}
if (values.json) console.log(JSON.stringify(result));
