import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { readClusterView } from '../../agent/cluster-view.ts';
import { type Embedded, openEmbedded } from '../../agent/open-embedded.ts';
import { loadSetup } from '../../config/load-setup.ts';
import { decodeNotification } from '../../core/convert/envelope.ts';
import { Replay } from '../../pipeline/replay.ts';
import { AgentProcesses, httpAddress } from '../demo/agents.ts';
import { compareOutputs, readOutputs } from '../demo/compare.ts';
import { ExpectedOutputs } from '../demo/expected.ts';
import { Feeder } from '../demo/feeder.ts';
import { LiveTable } from '../demo/live-table.ts';
import { Cloud, type RawNotification } from '../demo/traffic.ts';
import { CliFailure } from '../failure.ts';

const instances = 150;
const roundMs = 1_000;
const killAfterMs = 15_000;
/** `--once` ends after so many rounds or so long, whichever comes first: a busy machine feeds fewer, it does not take longer. */
const onceRounds = 24;
const onceFeedMs = 25_000;
const settleMs = 30_000;
/** Longer than the lateness of any sink of the demo, shorter than its windows. */
const passAtEndMs = 10_000;
/** On a slow machine more time passes before we look: what comes out then is right as well, but not waited for. */
const passLaterMs = 300_000;
const cluster = 'demo';

interface Options {
  readonly once?: true;
  readonly agents: string;
  readonly keep?: true;
  readonly port?: string;
}

export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'Three agents share the traffic of a small cloud; one is killed; every output is compared with a single-process replay.',
    )
    .option('--once', 'end by itself in under a minute instead of at Ctrl-C; exit 1 unless all outputs are identical')
    .option('--agents <n>', 'how many agents', '3')
    .option('--port <port>', 'where the page of the first agent is served on this machine (without it: on a free port)')
    .option('--keep', 'leave the working folder (outputs, logs, data) behind and say where it is')
    .action(async (options: Options) => {
      const agents = Number(options.agents);
      if (!Number.isInteger(agents) || agents < 1 || agents > 16) throw new CliFailure('--agents takes a number from 1 to 16', 2);
      const port = Number(options.port ?? 0);
      if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new CliFailure('--port takes a port number', 2);
      const folder = await mkdtemp(join(tmpdir(), 'ceilograph-demo-'));
      const processes = new AgentProcesses(folder);
      try {
        await new Demo({ folder, agents, port, once: options.once === true, processes }).run();
      } finally {
        await processes.stopAll('SIGKILL');
        if (options.keep === true) process.stderr.write(`left behind: ${folder}\n`);
        else await rm(folder, { recursive: true, force: true });
      }
    });
}

interface Look {
  readonly members: readonly unknown[];
  readonly ready: boolean;
  readonly idle: boolean;
}

interface DemoOptions {
  readonly folder: string;
  readonly agents: number;
  readonly port: number;
  readonly once: boolean;
  readonly processes: AgentProcesses;
}

class Demo {
  readonly #folder: string;
  readonly #agents: number;
  readonly #port: number;
  readonly #once: boolean;
  readonly #processes: AgentProcesses;
  readonly #table = new LiveTable(process.stdout);
  readonly #names = new Map<string, string>();
  readonly #feeder = new Feeder(25);
  readonly #stop = new AbortController();
  readonly #over = new AbortController();
  #killed = false;

  constructor({ folder, agents, port, once, processes }: DemoOptions) {
    this.#folder = folder;
    this.#agents = agents;
    this.#port = port;
    this.#once = once;
    this.#processes = processes;
  }

  async run(): Promise<void> {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => this.#stop.abort(new Error(signal)));
    const configFile = join(this.#folder, 'agent.yaml');
    await writeFile(configFile, agentFile());
    const setup = await loadSetup({ config: configFile }, {});
    const expected = new ExpectedOutputs(setup.sinks);
    const replay = new Replay(cluster, setup.sinks, setup.converter, Date.now(), (output) => expected.add(output));

    for (let i = 1; i <= this.#agents; i++) {
      this.#names.set(`agent-${i}`, `agent-${i}`);
      // The others take any: nobody said that the next ports are free.
      const port = i === 1 ? this.#port : 0;
      this.#processes.start(`agent-${i}`, configFile, { CEILOGRAPH_ADMIN_LISTEN: `127.0.0.1:${port}` });
    }
    const embedded = await openEmbedded({ dataDir: join(this.#folder, 'data') });
    try {
      await this.#until(
        embedded,
        (view) => view.members.length === this.#agents && view.ready,
        20_000,
        'the agents did not start',
      );
      this.#table.say(`${this.#agents} agents run; feeding them the traffic of ${instances} instances`);
      const page = (await embedded.group.members()).find(({ agent }) => agent === 'agent-1')?.facts['admin'];
      this.#table.say(`watch them on ${page}`);
      const watching = this.#watch(embedded);
      const cloud = new Cloud(instances, Date.now() - 24 * 3_600_000);
      const startedAt = performance.now();
      const passed = () => performance.now() - startedAt;
      for (let round = 1; !this.#stop.signal.aborted && !(this.#once && (round > onceRounds || passed() > onceFeedMs)); round++) {
        if (!this.#killed && passed() >= killAfterMs && this.#agents > 1) this.#killOne();
        await this.#feed(cloud.nextRound(), replay, roundMs);
      }
      await this.#feed(cloud.lastRound(), replay, 0);
      // What waits for its turn in event order comes out when time passes; the windows of the last round stay open in both.
      replay.pass(passAtEndMs);
      expected.restMayCome();
      replay.pass(passLaterMs);
      this.#table.say(
        `fed ${this.#feeder.sent} notifications (${this.#feeder.resent} sent again); waiting until every output is out`,
      );
      await this.#settle(embedded, expected);
      this.#over.abort();
      await watching;
      await this.#processes.stopAll('SIGTERM');
    } finally {
      this.#over.abort();
      await embedded.close();
    }
    await this.#report(expected);
  }

  async #feed(round: readonly RawNotification[], replay: Replay, paceMs: number): Promise<void> {
    for (const notification of round) replay.apply(decodeNotification(new TextEncoder().encode(notification.body)));
    // Even when asked to stop, a round begun is finished: the replay has it already.
    await this.#feeder.send(round, paceMs, AbortSignal.timeout(60_000));
  }

  #killOne(): void {
    this.#killed = true;
    const victim = `agent-${Math.min(2, this.#agents)}`;
    this.#table.say(`killing ${victim} with SIGKILL; the others take over when its leases run out`);
    void this.#processes.kill(victim, 'SIGKILL');
  }

  async #look(embedded: Embedded): Promise<Look> {
    const view = await readClusterView(embedded, cluster, { letters: 0, bytes: 0, evicted: 0, byReason: {} });
    const addresses = view.members.flatMap((member) => httpAddress(member) ?? []);
    if (addresses.length > 0) this.#feeder.use(addresses);
    this.#table.show(view, this.#names, performance.now());
    const owned = view.partitions.length > 0 && view.partitions.every((partition) => partition.owner !== null);
    return {
      members: view.members,
      ready: owned && addresses.length === view.members.length,
      idle: owned && view.partitions.every((partition) => partition.outboxItems === 0),
    };
  }

  /** The table, and where the living agents listen, while traffic goes on. */
  async #watch(embedded: Embedded): Promise<void> {
    while (!this.#over.signal.aborted) {
      await this.#look(embedded);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  async #until(embedded: Embedded, done: (view: Look) => boolean, withinMs: number, failure: string): Promise<void> {
    const end = performance.now() + withinMs;
    while (!done(await this.#look(embedded))) {
      if (performance.now() > end)
        throw new CliFailure(`${failure} within ${withinMs / 1000} s; logs are in ${this.#folder} (use --keep)`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  /** Until every expected output has arrived and nothing waits, or time is up: what is missing then is reported as lost. */
  async #settle(embedded: Embedded, expected: ExpectedOutputs): Promise<void> {
    const end = performance.now() + settleMs;
    while (performance.now() < end) {
      const view = await this.#look(embedded);
      const { outputs } = await readOutputs(join(this.#folder, 'out'));
      if (view.idle && outputs.size >= expected.outputs.size) return;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  async #report(expected: ExpectedOutputs): Promise<void> {
    const { outputs, repeated, torn } = await readOutputs(join(this.#folder, 'out'));
    const result = compareOutputs(expected.with(outputs), outputs, repeated);
    for (const [word, keys] of Object.entries({
      different: result.different,
      lost: result.lost,
      invented: result.invented,
      torn,
    })) {
      for (const key of keys.slice(0, 5)) process.stdout.write(`${word}: ${key}\n`);
    }
    if (repeated > 0) process.stdout.write(`${repeated} outputs were delivered twice under the same id, as promised\n`);
    process.stdout.write(
      `${result.identical} of ${result.expected} outputs identical, ${result.lost.length} lost, ${result.invented.length} invented\n`,
    );
    if (result.identical !== result.expected || result.invented.length > 0 || torn.length > 0) process.exitCode = 1;
  }
}

function agentFile(): string {
  const pipelines = fileURLToPath(new URL('../../../pipelines/demo', import.meta.url));
  return `cluster: ${cluster}
data_dir: data
pipelines: ${JSON.stringify(pipelines)}
inputs:
  - http: { port: 0 }
timing: { lease_ttl_ms: 3000, renew_ms: 1000, heartbeat_ms: 500, linger_ms: 20, rejoin_grace_ms: 0 }
log: { level: info }
`;
}
