import { setMaxListeners } from 'node:events';
import type { SinkConfig } from '../../src/config/sink-config.ts';
import type { Group, LeaseToken, Member } from '../../src/coordination/group.ts';
import { createRouter } from '../../src/core/route/router.ts';
import type { Delivery } from '../../src/inputs/input.ts';
import { createSigner } from '../../src/lib/hmac.ts';
import { Semaphore } from '../../src/lib/semaphore.ts';
import type { Entry } from '../../src/model/entry.ts';
import { AssignmentLoop } from '../../src/pipeline/assignment-loop.ts';
import { feedsOf } from '../../src/pipeline/canary.ts';
import { runCanaryLoop } from '../../src/pipeline/canary-loop.ts';
import type { DeadLetters } from '../../src/pipeline/dead-letters.ts';
import { Intake } from '../../src/pipeline/intake.ts';
import { createItemCodec } from '../../src/pipeline/item-codec.ts';
import { type Lane, MemoryLane } from '../../src/pipeline/lane.ts';
import type { Letter } from '../../src/pipeline/letter.ts';
import { runListener } from '../../src/pipeline/listener.ts';
import { CurrentListening } from '../../src/pipeline/listening.ts';
import type { Recorder } from '../../src/pipeline/recorder.ts';
import { Sequencer } from '../../src/pipeline/sequencer.ts';
import { sinkChain } from '../../src/pipeline/sink-chain.ts';
import { createTally } from '../../src/pipeline/tally.ts';
import { runTickLoop } from '../../src/pipeline/tick-loop.ts';
import { runWorker, type StopSignals } from '../../src/pipeline/worker.ts';
import type { Publisher } from '../../src/publishers/publisher.ts';
import type { PartitionRef } from '../../src/topics/topic.ts';
import type { Cluster } from './cluster.ts';
import { Link } from './link.ts';
import { SimInput } from './sim-input.ts';
import { simStore } from './sim-store.ts';
import { simTopics } from './sim-topics.ts';
import { converter } from './sinks.ts';
import { Process, SimClock } from './world.ts';

const leaseTtlMs = 10_000;
const codec = createItemCodec(createSigner(''));

/**
 * One agent, put together as `agent/agent.ts` does, of the very loops that run in earnest: listener, assignment, workers, ticks, canaries
 * and lanes. Only what they hold on to is simulated. Its life is one process: it ends by its own will, or by being killed anywhere.
 */
export class SimAgent {
  readonly name: string;
  readonly boot: string;
  /** What its operator calls it, whether it goes by that name or not. */
  readonly given: string;
  readonly process: Process;
  readonly #turns = new Semaphore(1);
  readonly clock: SimClock;
  readonly links: { readonly redis: Link; readonly broker: Link; readonly target: Link };
  readonly #cluster: Cluster;
  readonly #soft = new AbortController();
  readonly #hard = new AbortController();
  readonly #tally = createTally();
  readonly #intake = new Intake<Delivery>(32);
  readonly #lanes = new Map<SinkConfig, Lane>();
  readonly #lanesSoft = new AbortController();
  readonly #loopSoft = new AbortController();
  readonly #input: SimInput;
  readonly #ends: { readonly listener: Promise<void>; readonly loop: Promise<void>; readonly lanes: Promise<unknown> };
  #leaving = false;

  constructor(cluster: Cluster, name: string, boot: string, given: string) {
    const { world, weather } = cluster;
    this.#cluster = cluster;
    this.name = name;
    this.boot = boot;
    this.given = given;
    this.process = new Process(boot);
    this.clock = new SimClock(world, this.process);
    setMaxListeners(0, this.#soft.signal, this.#hard.signal, this.#lanesSoft.signal);
    const link = (to: string) => new Link(world, this.process, weather, `${boot} to ${to}`);
    this.links = { redis: link('redis'), broker: link('broker'), target: link('target') };
    const { broker } = this.links;
    const parts = { world, process: this.process, clock: this.clock, link: broker, intake: this.#intake };
    this.#input = new SimInput({ ...parts, unsure: cluster.broken.has('custody') }, cluster.raw, cluster.prefetch);
    const lanes = cluster.sinks.map((sink) => this.#openLane(sink));
    const topics = simTopics({
      ...parts,
      queues: cluster.queues,
      broken: cluster.broken,
      prefetch: cluster.prefetch,
      appendTrouble: () => weather.trouble,
    });
    const group = cluster.groupOf(this.links.redis);
    const loop = this.#assignment(group, topics);
    this.#ends = { listener: this.#listen(topics), loop: this.#startLoop(loop), lanes: Promise.all(lanes) };
    this.#watch('the assignment', this.#ends.loop);
    this.#watch('the listener', this.#ends.listener);
    this.#watch('a lane', this.#ends.lanes);
    this.#watch('the ticks', this.#tick(group, topics, loop));
    this.#watch('the input', this.#input.run());
    const canaries = runCanaryLoop('in', this.#input as never, this.#intake, this.clock, this.#soft.signal);
    if (cluster.canaries) this.#watch('the canaries', canaries);
  }

  #watch(what: string, ended: Promise<unknown>): void {
    ended.catch((error: unknown) => {
      if (!this.process.dead && !this.#leaving)
        this.#cluster.world.wrong('I6', `${what} of ${this.boot} failed: ${String(error)}`);
    });
  }

  /** Dead on the spot. What it held open is closed by its machine at once, or found out by the others' heartbeats. */
  kill(how: 'process' | 'machine'): void {
    if (this.process.dead) return;
    this.process.dead = true;
    const { world } = this.#cluster;
    world.tell(() => `${this.boot} killed (${how})`);
    const noticedIn = how === 'process' ? world.random.between(0.1, 50) : world.random.between(5_000, 15_000);
    world.after(noticedIn, null, () => this.#cluster.dropSessions(this.process));
  }

  /** Stopped (SIGSTOP, a machine that sleeps) and woken later; the broker ends what has not answered its heartbeats for long. */
  pause(ms: number): void {
    const { world } = this.#cluster;
    world.tell(() => `${this.boot} paused for ${(ms / 1000).toFixed(1)} s`);
    this.process.pausedUntil = Math.max(this.process.pausedUntil, world.now + ms);
    world.after(15_000, null, () => {
      if (this.process.pausedUntil > world.now) this.#cluster.dropSessions(this.process);
    });
  }

  /** Dies in the middle of the `count`th call from now, before it leaves or just after. */
  dieAtCall(count: number, when: 'before' | 'after', died: () => void): void {
    let left = count;
    for (const link of Object.values(this.links)) {
      link.onCall = () => {
        left -= 1;
        return left === 0 ? when : null;
      };
      link.onDeath = () => {
        this.kill('process');
        died();
      };
    }
  }

  /** SIGTERM: the order of `agent.ts`. */
  async stop(): Promise<void> {
    if (this.#leaving || this.process.dead) return;
    this.#leaving = true;
    this.#cluster.world.tell(() => `${this.boot} leaves`);
    const patience = this.clock.sleep(20_000).then(() => this.#hard.abort(new Error('too slow')));
    void patience;
    this.#soft.abort(new Error('stopping'));
    this.#input.stop();
    this.#intake.end();
    await this.#ends.listener.catch(() => undefined);
    this.#loopSoft.abort(new Error('stopping'));
    await this.#ends.loop.catch(() => undefined);
    this.#lanesSoft.abort(new Error('stopping'));
    await this.#ends.lanes.catch(() => undefined);
    this.#cluster.world.tell(() => `${this.boot} is gone`);
    this.process.dead = true;
    this.#cluster.dropSessions(this.process);
  }

  #member(): Member {
    return { agent: this.name, boot: this.boot, weight: 1, protocol: 1, build: 'sim', host: 'h', pid: 1, facts: {} };
  }

  #openLane(sink: SinkConfig): Promise<void> {
    const { world, broken } = this.#cluster;
    const [target] = sink.publish;
    if (target === undefined) throw new Error('a sink without a target');
    const publisher: Publisher = {
      publish: (batch) =>
        this.links.target.call((answer, refuse) => this.#cluster.target(sink.sink, batch.lines(), answer, refuse)),
      probe: async () => undefined,
      close: async () => undefined,
    };
    const lane = new MemoryLane({
      name: target.name,
      sink: sink.sink,
      publisher,
      codec,
      deadLetters: this.#letters(),
      emit: () => undefined,
      clock: this.clock,
      random: () => world.random.unit(),
      batch: target.batch,
      maxOutboxBytes: target.maxOutboxBytes,
      onFull: 'suspend',
    });
    this.#lanes.set(sink, broken.has('clear-before-publish') ? hasty(lane) : lane);
    return lane.run({ soft: this.#lanesSoft.signal, hard: this.#hard.signal });
  }

  #letters(): DeadLetters {
    const record = (letter: Letter) =>
      this.links.target.call<string>((answer) => {
        this.#cluster.letter(letter);
        answer('id');
      });
    return { record } as unknown as DeadLetters;
  }

  #listen(topics: ReturnType<typeof simTopics>): Promise<void> {
    const { sinks } = this.#cluster;
    const run = async () =>
      runListener(
        {
          name: 'in',
          intake: this.#intake,
          input: this.#input,
          feeds: feedsOf('in', ['q']),
          listening: new CurrentListening({
            configs: [],
            converter,
            router: createRouter(sinks),
            sinks: sinks.map((sink) => ({
              kind: 'topic',
              partitions: this.#cluster.refsOf(sink),
              canaries: this.#cluster.canaries && this.#needsTime(sink),
            })),
            limits: { maxMessageBytes: 1 << 20, maxDepth: 32, maxString: 1 << 16, maxSamplesPerNotification: 100 },
            lingerFrom: 0,
          }),
          appender: await topics.openAppender(),
          sequencer: new Sequencer(this.#cluster.broken.has('listener-boot') ? this.name : `${this.boot}.0`),
          deadLetters: this.#letters(),
          tally: this.#tally,
          clock: this.clock,
          maxBatch: 16,
          lingerMs: 50,
        },
        this.#hard.signal,
      );
    return run();
  }

  #needsTime(sink: SinkConfig): boolean {
    return sinkChain('sim', sink).needsTime;
  }

  #assignment(group: Group, topics: ReturnType<typeof simTopics>): AssignmentLoop {
    const { world, units } = this.#cluster;
    return new AssignmentLoop({
      group,
      member: () => this.#member(),
      units: () => [...units.keys()],
      clock: this.clock,
      heartbeatMs: 1_000,
      renewMs: 3_000,
      leaseTtlMs,
      debounceMs: 1_000,
      rejoinGraceMs: 20_000,
      drainMs: 20_000,
      run: (unit, token, stop) => this.#work(topics, unit, token, stop),
      report: (event) => world.tell(() => `${this.boot} ${event.kind} ${'unit' in event ? event.unit : ''} ${errorOf(event)}`),
    });
  }

  #startLoop(loop: AssignmentLoop): Promise<void> {
    return loop.run({ soft: this.#loopSoft.signal, hard: this.#hard.signal });
  }

  async #work(topics: ReturnType<typeof simTopics>, unit: string, token: LeaseToken, stop: StopSignals): Promise<void> {
    const { world, units, canaries } = this.#cluster;
    const place = units.get(unit);
    if (place === undefined) throw new Error(`no unit ${unit}`);
    const lane = this.#lanes.get(place.sink) as Lane;
    const recorded: Entry[] = [];
    const record = async (_ref: PartitionRef, _at: unknown, entry: Entry) => {
      recorded.push(entry);
    };
    await runWorker(
      {
        config: place.sink,
        cluster: 'sim',
        topics,
        store: simStore(this.#cluster, this.links.redis, recorded, lane),
        lanes: [lane],
        deadLetters: this.#letters(),
        recorder: { record } as unknown as Recorder,
        tally: this.#tally,
        clock: this.clock,
        awaitedFeeds: canaries && this.#needsTime(place.sink) ? feedsOf('in', ['q']) : [],
        leaseTtlMs,
        turns: this.#turns,
        report: (event) => world.tell(() => `${this.boot} ${unit}: ${event.kind}`),
      },
      place.ref,
      token,
      stop,
    );
  }

  #tick(group: Group, topics: ReturnType<typeof simTopics>, loop: AssignmentLoop): Promise<void> {
    const owned = () =>
      loop.owned.flatMap((token) => {
        const place = this.#cluster.units.get(token.unit);
        return place !== undefined && this.#needsTime(place.sink) ? [{ ref: place.ref, token }] : [];
      });
    const openAppender = () => topics.openAppender();
    return runTickLoop({ group, openAppender, clock: this.clock, tickMs: 1_000, owned }, this.#soft.signal);
  }
}

/** Says that it is done before it is. */
function hasty(lane: MemoryLane): Lane {
  return {
    name: lane.name,
    takes: lane.takes,
    offer: (blob) => {
      void lane.offer(blob);
      return Promise.resolve('done');
    },
    full: () => lane.full(),
    whenRoom: (signal) => lane.whenRoom(signal),
    run: (signals) => lane.run(signals),
    status: () => lane.status(),
  };
}

function errorOf(event: object): string {
  return 'error' in event ? String(event.error) : '';
}
