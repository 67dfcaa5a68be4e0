import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Embedded, openEmbedded } from '../../../src/agent/open-embedded.ts';
import type { Group, LeaseToken, Unit } from '../../../src/coordination/group.ts';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { Fault } from '../../../src/model/faults.ts';
import { configurationFacts } from '../../../src/pipeline/able-members.ts';
import { type AssignmentEvent, AssignmentLoop } from '../../../src/pipeline/assignment-loop.ts';
import type { StopSignals } from '../../../src/pipeline/worker.ts';
import { partitionName } from '../../../src/topics/topic.ts';

const leaseTtlMs = 10_000;
const drainMs = 20_000;
const rejoinGraceMs = 20_000;
const four: readonly Unit[] = ['u1', 'u2', 'u3', 'u4'];

let folder: string;
let clock: ManualClock;
let embedded: Embedded;
let agents: Agent[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-assignment-'));
  clock = new ManualClock(1_000_000);
  embedded = await openEmbedded({ dataDir: folder, clock, time: { boot: 'b', now: () => clock.monotonic() } });
  agents = [];
});

afterEach(async () => {
  for (const agent of agents) agent.cut();
  await until(() => agents.every((agent) => agent.gone));
  await until(settled(embedded.close()));
  await rm(folder, { recursive: true });
});

function settled(promise: Promise<unknown>): () => boolean {
  let done = false;
  promise.then(
    () => (done = true),
    () => (done = true),
  );
  return () => done;
}

/** Calls of the group that are being answered: a slow disk must not look like time that passes. */
let asked = 0;

/** Lets time pass in small steps, each until the disk has answered, until it is so. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not happen within 15 s');
    await pass(100);
  }
}

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    await clock.advance(100);
    do await new Promise((resolve) => setTimeout(resolve, 1));
    while (asked > 0);
  }
}

type Work = (unit: Unit, token: LeaseToken, stop: StopSignals) => Promise<void>;

const untilStopped: Work = (_unit, _token, { soft }) => whenAborted(soft);

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** An agent that owns units and computes nothing. */
class Agent {
  readonly name: string;
  readonly events: AssignmentEvent[] = [];
  readonly runs: {
    readonly unit: Unit;
    readonly token: LeaseToken;
    readonly stop: StopSignals;
    readonly begunAt: number;
    ended: boolean;
    endedAt?: number;
  }[] = [];
  readonly soft = new AbortController();
  readonly hard = new AbortController();
  readonly ended: Promise<void>;
  gone = false;
  /** Replaced by a test: stands in for the disk that the group is on. */
  fault: (method: string) => void = () => undefined;
  #dead = false;

  constructor(
    name: string,
    work: Work = untilStopped,
    units: readonly Unit[] = four,
    boot = 'boot',
    facts: Readonly<Record<string, string>> = {},
  ) {
    this.name = name;
    const loop = new AssignmentLoop({
      group: this.#group(),
      member: () => ({ agent: name, boot: `${name}-${boot}`, weight: 1, protocol: 1, build: 't', host: 'h', pid: 1, facts }),
      units: () => units,
      clock,
      heartbeatMs: 1_000,
      renewMs: 3_000,
      leaseTtlMs,
      debounceMs: 1_000,
      rejoinGraceMs,
      drainMs,
      run: async (unit, token, stop) => {
        const run: (typeof this.runs)[number] = { unit, token, stop, begunAt: clock.now(), ended: false };
        this.runs.push(run);
        try {
          await work(unit, token, stop);
        } finally {
          run.ended = true;
          run.endedAt = clock.now();
        }
      },
      report: (event) => this.events.push(event),
    });
    this.ended = loop.run({ soft: this.soft.signal, hard: this.hard.signal });
    this.ended.catch(() => undefined).finally(() => (this.gone = true));
    agents.push(this);
  }

  get running(): readonly Unit[] {
    return this.runs
      .filter((run) => !run.ended)
      .map((run) => run.unit)
      .sort();
  }

  count(kind: AssignmentEvent['kind']): number {
    return this.events.filter((event) => event.kind === kind).length;
  }

  /** From here on it is as if its process had been killed: it reaches nothing and hears nothing. */
  kill(): void {
    this.#dead = true;
    this.gone = true;
  }

  cut(): void {
    this.soft.abort(new Error('the test is over'));
    this.hard.abort(new Error('the test is over'));
  }

  #group(): Group {
    return new Proxy(embedded.group, {
      get: (group, method: string) => {
        return async (...args: unknown[]) => {
          if (this.#dead) return new Promise(() => undefined);
          this.fault(method);
          asked += 1;
          try {
            return await (group as unknown as Record<string, (...args: unknown[]) => unknown>)[method]?.apply(group, args);
          } finally {
            asked -= 1;
          }
        };
      },
    });
  }
}

const everyUnitOnce = () => agents.flatMap((agent) => (agent.gone ? [] : agent.running)).sort();

describe('agents that share units', () => {
  it('run each of them on one agent, and differ by one at most', async () => {
    const [a, b] = [new Agent('a'), new Agent('b')];
    await until(() => a.running.length === 2 && b.running.length === 2);

    expect(everyUnitOnce()).toEqual(four);
  });

  it('take over what a killed one had once its leases have run out, with higher epochs', async () => {
    const [a, b] = [new Agent('host:1:a'), new Agent('host:2:b')];
    await until(() => a.running.length === 2 && b.running.length === 2);
    const before = a.runs.filter((run) => !run.ended);
    a.kill();
    await until(() => b.running.length === 4);

    for (const { unit, token } of before) {
      const taken = b.runs.find((run) => run.unit === unit);
      expect(taken?.token.epoch).toBeGreaterThan(token.epoch);
    }
  });

  it('go on with what a killed one had as soon as its lease has run out', async () => {
    const [a, b] = [new Agent('host:1:a'), new Agent('host:2:b')];
    await until(() => a.running.length === 2 && b.running.length === 2);
    await pass(15_300);
    a.kill();
    const before = clock.now();
    await until(() => b.running.length === 4);

    // Time passes in steps of 100 ms.
    expect(clock.now() - before).toBeLessThanOrEqual(leaseTtlMs + 300);
  });

  it('hand a unit over only when its worker has ended, and then at once', async () => {
    const drained: (() => void)[] = [];
    const slow: Work = async (_unit, _token, { soft }) => {
      await whenAborted(soft);
      await new Promise<void>((resolve) => drained.push(resolve));
    };
    const a = new Agent('a', slow);
    await until(() => a.running.length === 4);
    const b = new Agent('b');
    await until(() => drained.length === 2);
    await pass(3_000);
    expect(b.running).toEqual([]);

    for (const drain of drained) drain();
    const before = clock.now();
    await until(() => b.running.length === 2);

    expect(clock.now() - before).toBeLessThan(leaseTtlMs / 2);
    expect(everyUnitOnce()).toEqual(four);
    for (const drain of drained) drain();
    a.soft.abort();
    await until(() => drained.length === 4);
    for (const drain of drained) drain();
  });

  it('wait no longer for a worker that does not drain than it may', async () => {
    const stuck: Work = (_unit, _token, { hard }) => whenAborted(hard);
    const a = new Agent('a', stuck);
    await until(() => a.running.length === 4);
    const b = new Agent('b');
    await until(() => a.runs.some((run) => run.stop.soft.aborted));
    const before = clock.now();
    await until(() => b.running.length === 2);

    expect(clock.now() - before).toBeGreaterThanOrEqual(drainMs - 2_000);
    expect(everyUnitOnce()).toEqual(four);
    expect(a.count('failed')).toBe(0);
  });

  it('leave each other the units that one of them does not know', async () => {
    const a = new Agent('a', untilStopped, ['u1', 'u2']);
    const b = new Agent('b', untilStopped, ['u1', 'u2', 'u3', 'u4']);
    await until(() => a.running.length === 1);
    await pass(5_000);
    const { version } = await embedded.group.readPlan();
    await pass(10_000);

    expect((await embedded.group.readPlan()).version).toBe(version);
    expect(b.count('released')).toBe(0);
  });
});

describe('a hand-over that was planned', () => {
  /** The longest time between the end of a worker and the begin of the next one of the same unit. */
  const longestPause = () => {
    const pauses = agents.flatMap((agent) =>
      agent.runs.flatMap(({ unit, endedAt }) => {
        const later = agents
          .flatMap((other) => other.runs)
          .filter((run) => run.unit === unit && run.begunAt >= (endedAt ?? Number.POSITIVE_INFINITY));
        return later.length === 0 ? [] : [Math.min(...later.map(({ begunAt }) => begunAt)) - (endedAt ?? 0)];
      }),
    );
    return Math.max(...pauses);
  };

  it('leaves a unit alone for a glance and no longer when an agent joins', async () => {
    const [a, b] = [new Agent('host:1:aaaa'), new Agent('host:2:bbbb')];
    await until(() => a.running.length === 2 && b.running.length === 2);
    // Its rounds are half a heartbeat away from theirs.
    await pass(30_500);
    const c = new Agent('host:3:cccc');
    await until(() => c.running.length === 1);

    expect(longestPause()).toBeLessThanOrEqual(300);
  });

  it('leaves each unit alone for a glance and no longer when an agent goes for good', async () => {
    const [a, b, c] = [new Agent('host:1:aaaa'), new Agent('host:2:bbbb'), new Agent('host:3:cccc')];
    await until(() => a.running.length > 0 && b.running.length > 0 && c.running.length > 0);
    await pass(30_000);
    a.soft.abort(new Error('it goes'));
    await until(() => a.gone);
    await until(() => b.running.length + c.running.length === 4);

    expect(longestPause()).toBeLessThanOrEqual(300);
  });

  it('offers nothing to agents that go at the same time', async () => {
    const [a, b] = [new Agent('host:1:aaaa'), new Agent('host:2:bbbb')];
    await until(() => a.running.length === 2 && b.running.length === 2);
    await pass(30_000);
    const acquired = a.count('acquired') + b.count('acquired');
    for (const agent of [a, b]) agent.soft.abort(new Error('both go'));
    const before = clock.now();
    await until(() => a.gone && b.gone);

    expect(clock.now() - before).toBeLessThan(3_000);
    expect(a.count('acquired') + b.count('acquired')).toBe(acquired);
  });
});

describe('agents whose operator named them', () => {
  it('find what they had when they are restarted one after the other, and nothing moves', async () => {
    const names = ['a', 'b', 'c'];
    let running = names.map((name) => new Agent(name));
    await until(() => everyUnitOnce().length === 4);
    await pass(5_000);
    const owners = (await embedded.group.readPlan()).owners;

    for (const name of names) {
      const old = running.find((agent) => agent.name === name) as Agent;
      old.soft.abort(new Error('restart'));
      await until(() => old.gone);
      await pass(12_000);
      running = [...running.filter((agent) => agent !== old), new Agent(name, untilStopped, four, 'again')];
      await until(() => everyUnitOnce().length === 4);
      await pass(5_000);
    }

    expect((await embedded.group.readPlan()).owners).toEqual(owners);
    expect(running.map((agent) => agent.count('acquired')).reduce((a, b) => a + b)).toBe(4);
  });

  it('lose it to the others once they have been awaited for as long as configured', async () => {
    const [a, b] = [new Agent('a'), new Agent('b')];
    await until(() => a.running.length === 2 && b.running.length === 2);
    a.soft.abort(new Error('it goes'));
    await until(() => a.gone);
    const before = clock.now();
    await pass(rejoinGraceMs - 2_000);
    expect(b.running.length).toBe(2);
    await until(() => b.running.length === 4);

    expect(clock.now() - before).toBeLessThan(rejoinGraceMs + 5_000);
  });

  it('take nothing of what they had when they come back with another configuration than is run', async () => {
    const units = four.map((_, n) => partitionName({ cluster: 'c', sink: 's', generation: 1, partition: n }));
    const facts = (hash: string, loadedAt: number) => configurationFacts({ hash, sinks: { s: hash }, loadedAt });
    const started = ['a', 'b', 'c'].map((name) => new Agent(name, untilStopped, units, 'boot', facts('old', 1)));
    await until(() => everyUnitOnce().length === 4);
    const [a] = started as [Agent, ...Agent[]];
    a.soft.abort(new Error('restart'));
    await until(() => a.gone);

    const back = new Agent('a', untilStopped, units, 'again', facts('new', 2));
    await until(() => everyUnitOnce().length === 4);

    expect(back.runs).toEqual([]);
  });

  it('are awaited by one that has just started, too', async () => {
    const a = new Agent('a');
    await until(() => a.running.length === 4);
    a.soft.abort(new Error('restart'));
    await until(() => a.gone);
    const b = new Agent('b');
    await pass(5_000);
    expect(b.running).toEqual([]);

    const back = new Agent('a', untilStopped, four, 'again');
    await until(() => back.running.length === 2 && b.running.length === 2);

    expect(everyUnitOnce()).toEqual(four);
  });
});

describe('agents that nobody named', () => {
  it('lose what they had as soon as they are gone', async () => {
    const [a, b] = [new Agent('host:1:aaaa'), new Agent('host:2:bbbb')];
    await until(() => a.running.length === 2 && b.running.length === 2);
    a.soft.abort(new Error('it goes'));
    await until(() => a.gone);
    const before = clock.now();
    await until(() => b.running.length === 4);

    expect(clock.now() - before).toBeLessThan(leaseTtlMs);
  });
});

describe('an agent', () => {
  it('drops a unit whose lease another has, and cuts its worker off at once', async () => {
    const a = new Agent('a', untilStopped, ['u1']);
    await until(() => a.running.length === 1);
    const run = a.runs[0] as (typeof a.runs)[number];
    await embedded.group.release(run.token);
    await embedded.group.acquire({ agent: 'x', boot: 'x-boot' }, 'u1', 99, 60_000);
    await until(() => run.ended);

    expect([run.stop.hard.aborted, a.count('lost')]).toEqual([true, 1]);
    expect((await embedded.group.leases())[0]?.agent).toBe('x');
  });

  it('tries a unit whose worker fails again, ever later, and its neighbours run', async () => {
    const begun: number[] = [];
    const work: Work = async (unit, token, stop) => {
      if (unit !== 'u1') return untilStopped(unit, token, stop);
      begun.push(clock.now());
      throw new Fault('fatal', 'log_gap', 'the topic does not hold what was applied last');
    };
    const a = new Agent('a', work, ['u1', 'u2']);
    await until(() => begun.length === 6);

    const pauses = begun.slice(1).map((at, index) => at - (begun[index] as number));
    expect(pauses.every((pause, index) => pause >= 500 * 2 ** index)).toBe(true);
    expect(a.running).toEqual(['u2']);
    expect(a.gone).toBe(false);
  });

  it('begins with a short pause again after a worker ran well for long', async () => {
    let fail: (() => void) | null = null;
    const work: Work = (_unit, _token, { soft }) =>
      Promise.race([
        whenAborted(soft),
        new Promise<void>((_, reject) => {
          fail = () => reject(new Error('it fails'));
        }),
      ]);
    const a = new Agent('a', work, ['u1']);
    for (let times = 1; times <= 4; times++) {
      await until(() => a.runs.length === times && a.running.length === 1);
      (fail as unknown as () => void)();
      await until(() => a.count('failed') === times);
    }
    await until(() => a.runs.length === 5);
    await pass(70_000);
    (fail as unknown as () => void)();
    await until(() => a.count('failed') === 5);

    const pauses = a.events.flatMap((event) => (event.kind === 'failed' ? [event.retryInMs] : []));
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 500]);
  });

  it('keeps its leases while its workers drain, then releases them and leaves', async () => {
    let drained = () => {};
    const work: Work = async (_unit, _token, { soft }) => {
      await whenAborted(soft);
      await new Promise<void>((resolve) => {
        drained = resolve;
      });
    };
    const a = new Agent('a', work, ['u1']);
    await until(() => a.running.length === 1);
    a.soft.abort();
    await pass(3 * leaseTtlMs);
    expect((await embedded.group.leases())[0]?.expiresInMs).toBeGreaterThan(0);
    expect(a.gone).toBe(false);

    drained();
    await until(() => a.gone);

    expect((await embedded.group.leases())[0]).toMatchObject({ agent: null, expiresInMs: 0 });
    expect(await embedded.group.members()).toEqual([]);
  });

  it('drains to the end though a renewal fails meanwhile', async () => {
    let drained = () => {};
    const work: Work = async (_unit, _token, { soft }) => {
      await whenAborted(soft);
      await new Promise<void>((resolve) => {
        drained = resolve;
      });
    };
    const a = new Agent('a', work, ['u1']);
    await until(() => a.running.length === 1);
    a.fault = (method) => {
      if (method === 'renew') throw new Fault('retryable', 'enospc', 'no space left');
    };
    a.soft.abort();
    await until(() => a.count('unreachable') > 0);
    expect(a.gone).toBe(false);

    a.fault = () => undefined;
    drained();
    await until(() => a.gone);

    expect((await embedded.group.leases())[0]?.agent).toBeNull();
  });

  it('takes a worker that is cut off for no failure', async () => {
    const work: Work = async (_unit, _token, { hard }) => {
      await whenAborted(hard);
      throw hard.reason;
    };
    const a = new Agent('a', work, ['u1']);
    await until(() => a.running.length === 1);
    a.cut();
    await until(() => a.gone);

    expect(a.count('failed')).toBe(0);
    expect(a.count('released')).toBe(1);
  });

  it('cuts off a worker, too, that it was just taking when it was cut off itself', async () => {
    const stuck: Work = (_unit, _token, { hard }) => whenAborted(hard);
    const a = new Agent('a', stuck, ['u1']);
    a.fault = (method) => {
      if (method === 'acquire') a.cut();
    };
    await until(() => a.gone);

    expect(a.runs.map((run) => run.ended)).toEqual([true]);
  });

  it('asks a group that refuses at once no oftener than it looks for changes, however long that lasts', async () => {
    const a = new Agent('a', untilStopped, ['u1']);
    await until(() => a.running.length === 1);
    let refused = 0;
    a.fault = () => {
      refused += 1;
      // Who asks without a pause would never let the time of this test pass.
      throw new Fault(refused > 1_000 ? 'fatal' : 'retryable', 'econnrefused', 'nobody answers');
    };
    await pass(60_000);

    expect(refused).toBeGreaterThan(50);
    expect(refused).toBeLessThan(100);
  });

  it('goes on while the group cannot be reached, and ends with what no waiting mends', async () => {
    const a = new Agent('a', untilStopped, ['u1']);
    await until(() => a.running.length === 1);
    a.fault = () => {
      throw new Fault('retryable', 'econnrefused', 'nobody answers');
    };
    await until(() => a.count('unreachable') >= 3);
    expect(a.running).toEqual(['u1']);

    let faults = 0;
    a.fault = () => {
      faults += 1;
      if (faults === 1) throw new Fault('fatal', 'damaged', 'the file is damaged');
    };
    await until(() => a.gone);

    await expect(a.ended).rejects.toMatchObject({ code: 'damaged' });
    expect(a.running).toEqual([]);
  });
});
