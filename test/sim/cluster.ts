import type { SinkConfig } from '../../src/config/sink-config.ts';
import type { Group } from '../../src/coordination/group.ts';
import { Fault } from '../../src/model/faults.ts';
import type { Letter } from '../../src/pipeline/letter.ts';
import { type PartitionRef, partitionName } from '../../src/topics/topic.ts';
import type { Flaw } from './flaws.ts';
import { Ledger } from './ledger.ts';
import type { Link, Weather } from './link.ts';
import { SimAgent } from './sim-agent.ts';
import { SimQueue } from './sim-queue.ts';
import { SimRedis } from './sim-redis.ts';
import { simGroup } from './sim-store.ts';
import { type Raw, rawNotification, simSinks } from './sinks.ts';
import { type Process, World } from './world.ts';

/** Servers, agents and traffic of one run: everything that the seed decides about the place where it plays. */
export class Cluster {
  readonly world: World;
  readonly ledger: Ledger;
  readonly redis: SimRedis;
  readonly broken: ReadonlySet<Flaw>;
  readonly weather: Weather;
  readonly sinks: readonly SinkConfig[];
  readonly units = new Map<string, { readonly sink: SinkConfig; readonly ref: PartitionRef }>();
  readonly queues = new Map<string, SimQueue>();
  readonly raw: SimQueue;
  readonly raws: Raw[] = [];
  readonly letters: Letter[] = [];
  readonly prefetch: number;
  readonly canaries: boolean;
  /** Longer than what is proven is remembered. */
  readonly long: boolean;
  readonly staticIds: boolean;
  readonly agents: SimAgent[] = [];
  /** The target refuses or is slow until then. */
  targetDownUntil = 0;
  #boots = 0;

  constructor(seed: number, broken: ReadonlySet<Flaw>, tells: boolean) {
    this.world = new World(seed, tells);
    this.broken = broken;
    this.long = seed % 40 === 0;
    const { random } = this.world;
    this.ledger = new Ledger(this.world);
    this.redis = new SimRedis(this.world, this.ledger, broken);
    this.weather = { trouble: random.pick([0, 0.005, 0.02, 0.05]), slowest: random.pick([3, 10, 60]) };
    this.sinks = simSinks(random);
    this.prefetch = random.pick([4, 16, 256]);
    this.canaries = random.chance(0.5);
    this.staticIds = random.chance(0.5);
    const bound = random.pick([12, 60, 100_000]);
    this.raw = new SimQueue(this.world, 'raw', false, Number.POSITIVE_INFINITY);
    for (const sink of this.sinks) {
      for (const ref of this.refsOf(sink)) {
        const unit = partitionName(ref);
        this.units.set(unit, { sink, ref });
        this.queues.set(unit, new SimQueue(this.world, unit, true, bound));
      }
    }
  }

  refsOf({ sink, partitions }: SinkConfig): readonly PartitionRef[] {
    return Array.from({ length: partitions }, (_, partition) => ({ cluster: 'sim', sink, generation: 1, partition }));
  }

  get alive(): readonly SimAgent[] {
    return this.agents.filter((agent) => !agent.process.dead);
  }

  start(name: string): SimAgent {
    this.#boots += 1;
    const boot = `${name}:${this.#boots}`;
    this.world.tell(() => `${boot} starts`);
    const agent = new SimAgent(this, this.staticIds ? name : boot, boot, name);
    this.agents.push(agent);
    return agent;
  }

  /** `count` notifications over `ms`. */
  feed(count: number, ms: number): void {
    const { world } = this;
    for (let index = 1; index <= count; index++) {
      world.after(world.random.between(0, ms), null, () => {
        const raw = rawNotification(world.random, index, world.now);
        this.raws.push(raw);
        this.raw.push(raw.body);
      });
    }
  }

  /** From now on one of each name runs, and no other. */
  keep(names: readonly string[]): void {
    const given = new Set<string>();
    for (const agent of this.alive) {
      if (names.includes(agent.given) && !given.has(agent.given)) given.add(agent.given);
      else void agent.stop();
    }
    for (const name of names) if (!given.has(name)) this.start(name);
  }

  cut(link: Link, ms = this.world.random.between(100, 14_000)): void {
    link.downUntil = this.world.now + ms;
    this.world.tell(() => `cut: ${link.name} until ${(link.downUntil / 1000).toFixed(1)}`);
  }

  groupOf(link: Link): Group {
    return simGroup(this.redis, link);
  }

  target(sink: string, lines: string, answer: (value: undefined) => void, refuse: (error: unknown) => void): void {
    if (this.world.now < this.targetDownUntil) {
      refuse(new Fault('retryable', 'http_status', '503'));
      return;
    }
    this.ledger.delivered(
      sink,
      lines.split('\n').filter((line) => line !== ''),
    );
    answer(undefined);
  }

  letter(letter: Letter): void {
    this.letters.push(letter);
    this.world.wrong('I2', `a dead letter: ${letter.reason}: ${letter.message}`);
  }

  dropSessions(process: Process): void {
    for (const queue of [this.raw, ...this.queues.values()]) queue.endAllOf(process);
  }
}
