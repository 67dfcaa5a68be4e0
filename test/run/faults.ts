import { parseArgs } from 'node:util';
import type { ClusterFault } from '../cluster/cluster-fault.ts';
import { clusterFaults } from '../cluster/faults.ts';
import { describeTrial, isGood, trial } from '../cluster/trial.ts';
import { crashesAt, crashesThatRepeat } from '../faults/crashes.ts';
import { randomKills } from '../faults/kills.ts';
import type { Ordeal } from '../faults/ordeal.ts';
import { publisherFaults } from '../faults/publishers/trial.ts';
import { seeded } from '../faults/random.ts';
import { type TestedFault, testedFaults } from '../faults/tested.ts';
import { isExact } from '../faults/verdict.ts';
import { type HostsFault, hostsFaults } from '../liveness/faults.ts';
import { hostsTrial } from '../liveness/trial.ts';
import type { LivestatusFault } from '../livestatus/fault.ts';
import { livestatusFaults } from '../livestatus/faults.ts';
import { type MailFault, mailFaults } from '../mail/faults.ts';
import { spoolFaults } from '../spool/faults.ts';
import { programCheck, runProgram } from './program.ts';
import { type Check, close, readClosingLine, runChecks, type Tally } from './report.ts';
import { runVitest } from './vitest-run.ts';

// The fault tests: what was accepted arrives once and right, whatever dies.
//   npm run test:faults -- [--list] [--seed N] [ID…]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean' }, seed: { type: 'string' } },
});
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);

interface Fault {
  readonly id: string;
  readonly about: string;
  readonly run: () => Promise<{ readonly deaths: string; readonly result: Ordeal; readonly sharp?: boolean }>;
}

function tellSeed(id: string): void {
  console.log(`seed ${seed}; the same again: npm run test:faults -- ${id} --seed ${seed}`);
}

const listenerPoints = ['before-append', 'after-append', 'before-raw-ack', 'after-raw-ack'] as const;
const workerPoints = ['before-commit', 'after-commit', 'before-clear', 'after-settle'] as const;

const faults: readonly Fault[] = [
  {
    id: 'K30',
    about: 'oslo.messaging notifies through RabbitMQ, the agent is killed at 30 random moments',
    run: async () => {
      tellSeed('K30');
      return { deaths: '30 kills', result: await randomKills({ seed, kills: 30, notifications: 6_000 }) };
    },
  },
  {
    id: 'F2',
    about: 'the agent dies at each named place of listener and worker, the 1st, 3rd and 10th time it comes there',
    run: async () => ({ deaths: '24 crashes', result: await crashesAt([...listenerPoints, ...workerPoints], [1, 3, 10]) }),
  },
  {
    id: 'F3',
    about: 'the agent dies between the durable append and the acknowledgement: what it appended comes again',
    run: async () => {
      const result = await crashesThatRepeat(['after-append', 'before-raw-ack'], [1, 2, 5, 12]);
      // Without a repeated notification the ids were not put to the test.
      return { deaths: `8 crashes, ${result.repeated} known by id`, result, sharp: result.repeated > 0 };
    },
  },
];

async function tried({ id, run }: Fault): Promise<Tally> {
  const { deaths, result, sharp = true } = await run();
  const { published, outputs, lost, invented, wrong, doubled, left, letters } = result;
  const words = { lost, invented, wrong };
  for (const [word, keys] of Object.entries(words)) for (const key of keys.slice(0, 5)) console.log(`${word}: ${key}`);
  console.log(`outputs by file: ${JSON.stringify(result.files)}`);
  const isGood = isExact(result) && left === 0 && letters === 0 && sharp;
  const counts = `lost ${lost.length}, doubled ${doubled}, invented ${invented.length}, wrong ${wrong.length}`;
  const queue = `left in the raw queue ${left}, dead letters ${letters}`;
  console.log(
    `${id} ${isGood ? 'passed' : 'failed'}, ${deaths}, ${published} notifications, ${outputs} outputs, ${counts}, ${queue}`,
  );
  return isGood ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** On servers of its own. */
async function triedOnCluster({ id, times, options, seen, lossAccepted }: ClusterFault): Promise<Tally> {
  tellSeed(id);
  const result = await trial({ id, ...options(seeded(seed)) });
  console.log(describeTrial(result));
  const amiss = seen?.(result) ?? null;
  if (amiss !== null) console.log(amiss);
  const good = (lossAccepted === true ? result.left === 0 : isGood(result)) && amiss === null;
  const { lost, invented, wrong, doubled } = result.recorded;
  const twoContents = wrong.filter((key) => key.endsWith('has two contents')).length;
  const words = `lost ${lost.length + result.routed.missing.length + result.left}, doubled ${twoContents} (${doubled} lines came again as they were), invented ${invented.length}, wrong ${wrong.length}`;
  console.log(`${id} ${good ? 'passed' : 'failed'}, ${times} times, ${result.published} notifications, ${words}`);
  return good ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** In this process: it throws what is wrong, and may say what it saw. */
async function triedHere(id: string, run: () => Promise<string | undefined>): Promise<Tally> {
  try {
    const saw = await run();
    console.log(`${id} passed${saw === undefined ? '' : `, ${saw}`}`);
    return { passed: 1, failed: 0 };
  } catch (error) {
    console.log(`${id} failed: ${error instanceof Error ? error.stack : String(error)}`);
    return { passed: 0, failed: 1 };
  }
}

function triedMail({ id, run }: MailFault): Promise<Tally> {
  tellSeed(id);
  return triedHere(id, () => run(seed));
}

/** On servers of its own. */
function triedOnHosts({ id, options }: HostsFault): Promise<Tally> {
  tellSeed(id);
  return triedHere(id, () => hostsTrial({ id, ...options(seeded(seed)) }));
}

function triedOnProxy({ id, run }: LivestatusFault): Promise<Tally> {
  return triedHere(id, async () => {
    await run();
    return undefined;
  });
}

/** Beside the servers that publishers write to. */
function triedPublishers(id: string): Promise<Tally> {
  const servers = ['rabbitmq', 'redis', 'postgres', 'prometheus', 'pushgateway', 'kafka'];
  const command = ['node', '--import', 'tsx', 'test/run/publisher-fault.ts', id];
  return programCheck('bash', ['test/services/services.sh', 'run', ...servers, '--', ...command]);
}

async function triedByTests({ id, paths, pick, env }: TestedFault): Promise<Tally> {
  const tally = await runVitest(paths, { ...(pick && { pick }), ...(env && { env }) });
  console.log(`${id} ${tally.failed === 0 ? 'passed' : 'failed'}, ${tally.passed} tests`);
  return tally;
}

/** All of them. */
const withinMs = 90 * 60_000;

/** With RabbitMQ of its own; the inner run prints the closing line. */
async function withRabbitmq(): Promise<void> {
  const again = ['node', '--import', 'tsx', 'test/run/faults.ts', ...process.argv.slice(2)];
  const { code, stdout } = await runProgram(
    'bash',
    ['test/services/services.sh', 'run', 'rabbitmq', 'redis', '--', ...again],
    {},
    withinMs,
  );
  if (readClosingLine(stdout) === undefined) close({ passed: 0, failed: 1 });
  else process.exitCode = code;
}

async function withBuild(): Promise<void> {
  const built = await programCheck('npm', ['run', '--silent', 'build']);
  if (built.failed > 0) close(built);
  else await runChecks(checks, wanted);
}

const checks: readonly Check[] = [
  ...faults.map((fault) => ({ ...fault, run: () => tried(fault) })),
  ...clusterFaults.map((fault) => ({ ...fault, run: () => triedOnCluster(fault) })),
  ...hostsFaults.map((fault) => ({ ...fault, run: () => triedOnHosts(fault) })),
  ...mailFaults.map((fault) => ({ ...fault, run: () => triedMail(fault) })),
  ...livestatusFaults.map((fault) => ({ ...fault, run: () => triedOnProxy(fault) })),
  ...publisherFaults.map((fault) => ({ ...fault, run: () => triedPublishers(fault.id) })),
  ...[...spoolFaults, ...testedFaults].map((fault) => ({ ...fault, run: () => triedByTests(fault) })),
];

/** `L` stands for all of hosts, `M` of mails, `P` of publishers, `S` of the spooler, `V` of the Livestatus proxy. */
const groups: Readonly<Record<string, readonly { readonly id: string }[]>> = {
  L: hostsFaults,
  M: mailFaults,
  P: publisherFaults,
  S: spoolFaults,
  V: livestatusFaults,
};
const wanted = positionals.flatMap((id) => groups[id]?.map((fault) => fault.id) ?? [id]);
const isKnown = wanted.every((id) => checks.some((check) => check.id === id)) && Number.isInteger(seed);
/** A cluster brings its own. */
const needsBroker =
  positionals.length === 0 || positionals.some((id) => [...faults, ...testedFaults].some((fault) => fault.id === id));
if (values.list === true) await runChecks(checks, ['--list']);
else if (!isKnown) await runChecks(checks, Number.isInteger(seed) ? positionals : [`--seed ${values.seed}`]);
else if (process.env['AMQP_URL'] === undefined && needsBroker) await withRabbitmq();
else await withBuild();
