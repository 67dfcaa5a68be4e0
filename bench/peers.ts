import { parseArgs } from 'node:util';
import { connect } from 'amqplib';
import { atLeast, type Bar, bar, barLines } from './bars.ts';
import { againWith, build, endTogether } from './children.ts';
import { type Candidate, candidates } from './peers/candidates.ts';
import { type Conversion, conversion } from './peers/conversion.ts';
import { benthos, telegraf } from './peers/programs.ts';
import { declareJob, type Round, round } from './peers/round.ts';
import { machine, machineLine, median, percentile, rounded } from './process-figures.ts';

/**
 * The same job done by us, by a bare amqplib loop, by Benthos and by Telegraf (`peers/job.ts`), and the whole conversion by us and by Ceilometer
 * (`peers/conversion.ts`). They take turns, round by round, on one broker. CPU is theirs; that of the broker stands beside it.
 *
 *     npm run bench -- peers [--json] [--notifications 40000] [--first 15000] [--rounds 5] [--minutes 6] [--only NAME,…] [--ceilometer 2000]
 *
 * No further round begins once `--minutes` are over; the output says how many there were. Builds Benthos and Telegraf and installs Ceilometer at its first run, which takes some minutes; they are kept. `--ceilometer 0` leaves the
 * conversion out. Without AMQP_URL a RabbitMQ of its own is started.
 */
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    notifications: { type: 'string', default: '40000' },
    first: { type: 'string', default: '15000' },
    rounds: { type: 'string', default: '5' },
    minutes: { type: 'string', default: '6' },
    only: { type: 'string' },
    ceilometer: { type: 'string', default: '2000' },
    inside: { type: 'boolean', default: false },
  },
});

interface Figures {
  readonly cpuSecondsPer100k: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssAnonMiB: number;
  readonly brokerCpuSecondsPer100k: number;
}

function figuresOf(rounds: readonly Round[]): Figures {
  const latencies = rounds.flatMap((one) => one.latenciesMs);
  const middle = (value: (one: Round) => number, digits: number) => rounded(median(rounds.map(value)), digits);
  return {
    cpuSecondsPer100k: middle((one) => one.cpuSecondsPer100k, 2),
    perSecond: middle((one) => one.perSecond, 0),
    p50Ms: rounded(percentile(latencies, 0.5), 1),
    p99Ms: rounded(percentile(latencies, 0.99), 1),
    rssAnonMiB: middle((one) => one.rssAnonMiB, 0),
    brokerCpuSecondsPer100k: middle((one) => one.brokerCpuSecondsPer100k, 2),
  };
}

const count = Number(values.notifications);
const first = Number(values.first);
const until = performance.now() + Number(values.minutes) * 60_000;

async function doTheJob(chosen: readonly Candidate[]): Promise<ReadonlyMap<string, readonly Round[]>> {
  const connection = await connect(process.env['AMQP_URL'] ?? '', { noDelay: true });
  const channel = await connection.createConfirmChannel();
  await declareJob(channel);
  const done = new Map<string, Round[]>(chosen.map(({ name }) => [name, []]));
  for (let i = 0; i < Number(values.rounds) && (i === 0 || performance.now() < until); i++) {
    for (const candidate of chosen) {
      const figures = await round(connection, channel, candidate, count, first);
      done.get(candidate.name)?.push(figures);
      const { cpuSecondsPer100k: cpu, perSecond } = figures;
      process.stderr.write(`round ${i + 1}, ${candidate.name}: ${cpu.toFixed(2)} CPU-s per 100 k, ${perSecond.toFixed(0)}/s\n`);
    }
  }
  await connection.close();
  return done;
}

async function convertAll(theirs: number): Promise<Readonly<Record<string, Conversion>>> {
  const connection = await connect(process.env['AMQP_URL'] ?? '', { noDelay: true });
  const channel = await connection.createConfirmChannel();
  const told = (who: string, { cpuSecondsPer100k: cpu, perSecond }: Conversion) =>
    process.stderr.write(`conversion, ${who}: ${cpu.toFixed(2)} CPU-s per 100 k, ${perSecond.toFixed(0)}/s\n`);
  const found: Record<string, Conversion> = {};
  const run = async (name: string, who: Parameters<typeof conversion>[1], many: number, before: number) => {
    const figures = await conversion(channel, who, many, before);
    told(name, figures);
    found[name] = {
      cpuSecondsPer100k: rounded(figures.cpuSecondsPer100k, 2),
      perSecond: Math.round(figures.perSecond),
    };
  };
  await run('ceilograph', 'ours', count, first);
  await run('ceilometer', { batchSize: 1 }, theirs, 500);
  await run('ceilometer, batch_size 100', { batchSize: 100 }, theirs, 500);
  await connection.close();
  return found;
}

async function measure(): Promise<void> {
  endTogether();
  const begun = machine();
  const chosen = candidates.filter(({ name }) => values.only === undefined || values.only.split(',').includes(name));
  const done = await doTheJob(chosen);
  const figures = Object.fromEntries([...done].map(([name, rounds]) => [name, figuresOf(rounds)]));
  const theirs = Number(values.ceilometer);
  const converted = theirs > 0 ? await convertAll(theirs) : {};
  const own = figures['ceilograph'];
  const rounds = Math.max(...[...done.values()].map(({ length }) => length));
  /** Round by round, since the machine changes its speed. */
  const times = (a: string, b: string, value: (one: Round) => number) => {
    const [left, right] = [done.get(a) ?? [], done.get(b) ?? []];
    return rounded(median(left.map((one, i) => value(one) / value(right[i] ?? one))), 2);
  };
  const cpu = (one: Round) => one.cpuSecondsPer100k;
  const has = (name: string) => (done.get(name) ?? []).length > 0;
  const ratio: Record<string, number> = {};
  const bars: Bar[] = [];
  if (own !== undefined) bars.push(bar('CPU-s per 100,000 notifications of the job', own.cpuSecondsPer100k, 2.4));
  if (own !== undefined && has('bare loop')) {
    ratio['toBareLoop'] = times('ceilograph', 'bare loop', cpu);
    ratio['rateToBareLoop'] = times('ceilograph', 'bare loop', (one) => one.perSecond);
    bars.push(bar('times the CPU of the bare loop', ratio['toBareLoop'], 1.7));
    bars.push(atLeast('of the rate of the bare loop', ratio['rateToBareLoop'], 0.75));
  }
  for (const [name, least] of [
    ['benthos', 3],
    ['telegraf', 2.5],
  ] as const) {
    if (own === undefined || !has(name)) continue;
    ratio[name] = times(name, 'ceilograph', cpu);
    bars.push(atLeast(`times cheaper than ${name}`, ratio[name], least));
  }
  const ours = converted['ceilograph'];
  if (ours !== undefined) {
    bars.push(bar('CPU-s per 100,000 notifications of the whole conversion, RabbitMQ to file', ours.cpuSecondsPer100k, 5));
    for (const [name, least] of [
      ['ceilometer', 25],
      ['ceilometer, batch_size 100', 0],
    ] as const) {
      const factor = rounded((converted[name]?.cpuSecondsPer100k ?? 0) / ours.cpuSecondsPer100k, 1);
      ratio[name] = factor;
      bars.push(atLeast(`times cheaper than ${name}`, factor, least));
    }
  }
  const cell = (value: number, width: number) => `${value}`.padStart(width);
  const row = (name: string, one: Figures) =>
    `${name.padEnd(14)}${cell(one.cpuSecondsPer100k, 10)}${cell(one.brokerCpuSecondsPer100k, 10)}${cell(one.perSecond, 10)}${cell(one.p50Ms, 10)}${cell(one.p99Ms, 10)}${cell(one.rssAnonMiB, 10)}  ${chosen.find((each) => each.name === name)?.note}`;
  console.log(`The same job, ${count} notifications after the first ${first}, medians of ${rounds} rounds in turns

               CPU-s/100k    broker  per second  p50 ms    p99 ms   RSS MiB`);
  for (const [name, one] of Object.entries(figures)) console.log(row(name, one));
  if (ours !== undefined) {
    console.log('\nThe whole conversion into files, CPU-s per 100 k and per second');
    for (const [name, one] of Object.entries(converted))
      console.log(`${name.padEnd(28)}${cell(one.cpuSecondsPer100k, 10)}${cell(one.perSecond, 10)}`);
  }
  console.log(`${machineLine(begun)}\n${barLines(bars)}`);
  if (!values.json) return;
  const { brokerCpuSecondsPer100k: rabbitmq = 0, ...main } = own ?? {};
  console.log(
    JSON.stringify({
      name: 'peers',
      rounds,
      ...main,
      servers: { rabbitmq },
      peers: { ...Object.fromEntries(Object.entries(figures).filter(([name]) => name !== 'ceilograph')), conversion: converted },
      ratio,
      bars,
      machine: begun,
    }),
  );
}

async function prepare(): Promise<void> {
  await build();
  const wanted = values.only?.split(',');
  if (wanted === undefined || wanted.includes('benthos')) await benthos();
  if (wanted === undefined || wanted.includes('telegraf')) await telegraf();
}

if (values.inside) await measure();
else {
  endTogether();
  await prepare();
  process.exitCode = await againWith('rabbitmq', import.meta.url, ['--inside']);
}
