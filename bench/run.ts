import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endTogether, exited, start } from './children.ts';

/**
 *     npm run bench -- NAME [--json] [flags of the bench]
 *
 * Runs one bench in a process of its own, so that nothing of ours is in its figures. Tables, a line for every promise (held or missed)
 * and, with `--json`, one object as the last line on stdout; progress on stderr. Without a name: what there is.
 *
 * The object of every bench has `name` and the members of `common`, null where it has no such figure, and others of its own. CPU and memory are
 * those of our process, `servers` are the CPU seconds of servers beside it, `peers` the figures of others at the same work, `ratio` ours to theirs.
 */
const common = ['cpuSecondsPer100k', 'perSecond', 'p50Ms', 'p99Ms', 'rssAnonMiB', 'servers', 'peers', 'ratio'] as const;

const benches: Readonly<Record<string, string>> = {
  convert: 'bytes of a notification in, JSON lines out, signing apart',
  'hot-paths': 'what the hot paths allocate and execute, counted instead of timed, beside the stored budget',
  state: 'commits of the embedded store with few keys and with a million',
  cluster: 'agents on RabbitMQ and Redis: topic to file, raw queue to file, many keys, several agents, half load',
  mail: 'the queue of mails: memory, restart, draining into a sink of mails beside smtp-source',
  spool: 'notifications from one site to another through TLS, flushed and acknowledged',
  liveness: 'hosts that report: judging a million deadlines alone and on two agents, and all of them silent at once',
  liveproxy: 'the Livestatus proxy beside the same questions asked directly, of a real Icinga 2',
  postgres: 'samples into a table, in batches and one by one',
  bus: 'the three logs side by side: append, read, one entry alone; the brokers are started and stopped',
  peers: 'the same job by us, a bare loop, Benthos and Telegraf; the whole conversion by us and by Ceilometer',
  planner: 'who runs what, with 1,000 agents and 100,000 partitions: the first plan, and after a join or a leave',
  handover: 'how long a partition of 100,000 keys stands still when its owner leaves, is killed, or is stopped',
  tap: 'what watching costs the agent that is watched: no tap, an idle one, an active one, one that searches',
  agent: 'RabbitMQ to file with the built agent, the embedded path with few keys and with a million, the memory of open ids',
};

const [name, ...flags] = process.argv.slice(2);
const about = name === undefined ? undefined : benches[name];

if (name === undefined || about === undefined) {
  if (name !== undefined) process.stderr.write(`There is no bench ${name}.\n`);
  const list = Object.entries(benches).map(([bench, text]) => `  ${bench.padEnd(10)}${text}\n`);
  process.stdout.write(`npm run bench -- NAME [--json]\n\n${list.join('')}`);
  process.exitCode = name === undefined ? 0 : 2;
} else {
  // tsx is our parent: who kills that outright means us too.
  endTogether(process.ppid);
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const command = [process.execPath, '--import', 'tsx', file, ...flags];
  const child = start(command, { stdio: flags.includes('--json') ? ['inherit', 'pipe', 'inherit'] : 'inherit' });
  const ended = exited(child);
  if (child.stdout !== null) await passOn(child.stdout, name);
  process.exitCode = (await ended) ?? 1;
}

/** All but the last line as it comes, that one with all of its members. */
async function passOn(stdout: NodeJS.ReadableStream, bench: string): Promise<void> {
  let last: string | null = null;
  for await (const line of createInterface({ input: stdout })) {
    if (last !== null) console.log(last);
    last = line;
  }
  if (last?.startsWith('{') !== true) {
    if (last !== null) console.log(last);
    return;
  }
  const figures = JSON.parse(last) as Readonly<Record<string, unknown>>;
  console.log(JSON.stringify({ name: bench, ...Object.fromEntries(common.map((member) => [member, null])), ...figures }));
}
