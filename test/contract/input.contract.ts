import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery, Input, InputContext, InputEvent } from '../../src/inputs/input.ts';
import { systemClock } from '../../src/lib/clock.ts';

/** One source (a queue, a file, a set of senders) that any number of inputs can be opened on, one after the other. */
export interface InputHarness {
  open(context: InputContext, prefetch: number): Promise<Input>;
  /** Puts bodies into the source, in order. Called after `connected` was reported where `feedsFirst` is false. */
  feed(bodies: readonly string[]): Promise<void>;
  /** After the input closed: the bodies that the source still has, or that their senders were not told to be taken. */
  kept(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface InputCapabilities {
  /** The source must be filled before the input is opened, and the input ends by itself at its end. */
  readonly ends: boolean;
  /** What `giveBack` leads to. */
  readonly givenBack: 'comes again' | 'is refused';
  readonly canary: boolean;
}

/** Runs an input and keeps what it delivers. */
export class Listener {
  readonly deliveries: Delivery[] = [];
  readonly events: InputEvent[] = [];
  readonly #soft = new AbortController();
  readonly #hard = new AbortController();
  readonly #waiters: { readonly until: () => boolean; readonly resolve: () => void }[] = [];
  readonly #extra: Partial<InputContext>;
  outstanding = 0;
  mostOutstanding = 0;
  ended = false;
  /** Called with each new delivery; default: keep it. */
  onDelivery: (delivery: Delivery) => void = () => {};

  constructor(extra: Partial<InputContext> = {}) {
    this.#extra = extra;
  }

  get context(): InputContext {
    return {
      name: 'under-test',
      clock: systemClock,
      random: () => 0,
      soft: this.#soft.signal,
      hard: this.#hard.signal,
      deliver: async (deliveries) => this.#take(deliveries),
      report: (event) => {
        this.events.push(event);
        this.#look();
      },
      ...this.#extra,
    };
  }

  get bodies(): readonly string[] {
    return this.deliveries.map((delivery) => Buffer.from(delivery.body).toString());
  }

  soft(): void {
    this.#soft.abort();
  }

  hard(): void {
    this.#hard.abort();
  }

  /** The input's `run`, whose end this remembers. */
  async follow(running: Promise<void>): Promise<void> {
    try {
      await running;
    } finally {
      this.ended = true;
    }
  }

  /** Waits for a condition that a delivery or an event makes true. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ until: condition, resolve }));
  }

  connected(): Promise<void> {
    return this.until(() => this.events.some((event) => event.kind === 'connected'));
  }

  #take(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      this.outstanding += 1;
      this.mostOutstanding = Math.max(this.mostOutstanding, this.outstanding);
      const counted = {
        ...delivery,
        settle: () => {
          this.outstanding -= 1;
          delivery.settle();
        },
        giveBack: () => {
          this.outstanding -= 1;
          delivery.giveBack();
        },
      };
      this.deliveries.push(counted);
    }
    for (const delivery of this.deliveries.slice(-deliveries.length)) this.onDelivery(delivery);
    this.#look();
  }

  #look(): void {
    for (const waiter of [...this.#waiters]) {
      if (!waiter.until()) continue;
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.resolve();
    }
  }
}

/** Lets everything that is ready to run do so; for asserting that something has not happened. */
async function settleDown(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const bodiesOf = (count: number) => Array.from({ length: count }, (_, index) => `{"n":${index},"text":"grüß"}`);
const sorted = (bodies: readonly string[]) => [...bodies].sort();

export function describeInput(name: string, capabilities: InputCapabilities, make: () => Promise<InputHarness>): void {
  describe(`the ${name} input`, () => {
    let harness: InputHarness;
    let listener: Listener;
    let input: Input;
    let running: Promise<void>;

    const start = async (bodies: readonly string[], prefetch: number) => {
      if (capabilities.ends) await harness.feed(bodies);
      input = await harness.open(listener.context, prefetch);
      running = listener.follow(input.run());
      // A run that fails at once is looked at later, by whoever awaits it.
      running.catch(() => undefined);
      await listener.connected();
      if (!capabilities.ends) await harness.feed(bodies);
    };
    const leave = async () => {
      listener.soft();
      await running;
      await input.close();
    };

    beforeEach(async () => {
      harness = await make();
      listener = new Listener();
    });
    afterEach(async () => {
      listener.hard();
      await Promise.allSettled([running]);
      await input.close();
      await harness.close();
    });

    it('delivers every body byte for byte', async () => {
      const bodies = bodiesOf(20);
      listener.onDelivery = (delivery) => delivery.settle();

      await start(bodies, 100);
      await listener.until(() => listener.deliveries.length === 20);

      expect(sorted(listener.bodies)).toEqual(sorted(bodies));
    });

    it('never has more than the prefetch unsettled, and goes on as they are settled', async () => {
      await start(bodiesOf(50), 7);

      for (let settled = 0; settled < 50; settled++) {
        await listener.until(() => listener.deliveries.length > settled);
        await settleDown();
        listener.deliveries[settled]?.settle();
      }

      expect(listener.mostOutstanding).toBe(7);
      expect(new Set(listener.bodies).size).toBe(50);
    });

    it('keeps what was not settled for the next one, and nothing else', async () => {
      const bodies = bodiesOf(10);
      await start(bodies, 10);
      await listener.until(() => listener.deliveries.length === 10);
      const settled = listener.bodies.slice(0, 4);

      for (const delivery of listener.deliveries.slice(0, 4)) delivery.settle();
      await input.prove();
      listener.hard();
      await running;
      await input.close();

      expect(sorted(await harness.kept())).toEqual(sorted(bodies.filter((body) => !settled.includes(body))));
    });

    it('keeps an unsettled one although later ones were settled', async () => {
      await start(bodiesOf(5), 10);
      await listener.until(() => listener.deliveries.length === 5);
      const unsettled = listener.bodies[2];

      for (const [index, delivery] of listener.deliveries.entries()) if (index !== 2) delivery.settle();
      await input.prove();
      listener.hard();
      await running;
      await input.close();

      expect(await harness.kept()).toContain(unsettled);
    });

    it('has nothing left after everything was settled and it was asked to stop', async () => {
      listener.onDelivery = (delivery) => delivery.settle();
      await start(bodiesOf(25), 10);
      await listener.until(() => listener.deliveries.length === 25);

      await leave();

      expect(await harness.kept()).toEqual([]);
    });

    it('waits for what is outstanding when asked to stop, and takes no more', async () => {
      await start(bodiesOf(10), 5);
      await listener.until(() => listener.deliveries.length === 5);

      listener.soft();
      await settleDown();
      const endedEarly = listener.ended;
      for (const delivery of listener.deliveries) delivery.settle();
      await running;
      await input.close();

      expect(endedEarly).toBe(false);
      expect(listener.deliveries).toHaveLength(5);
      expect(await harness.kept()).toHaveLength(5);
    });

    it('leaves at once when told to, with everything unsettled', async () => {
      await start(bodiesOf(5), 5);
      await listener.until(() => listener.deliveries.length === 5);

      listener.hard();
      await running;
      await input.close();

      expect(await harness.kept()).toHaveLength(5);
    });

    it('takes a settlement after its end, and a second one, as nothing', async () => {
      await start(bodiesOf(2), 5);
      await listener.until(() => listener.deliveries.length === 2);
      listener.deliveries[0]?.settle();
      listener.deliveries[0]?.settle();
      await input.prove();

      listener.hard();
      await running;
      await input.close();
      listener.deliveries[1]?.settle();
      listener.deliveries[1]?.giveBack();

      expect(await harness.kept()).toEqual([listener.bodies[1]]);
    });

    if (capabilities.givenBack === 'comes again')
      it('delivers again what was given back', async () => {
        const once = new Set<string>();
        listener.onDelivery = (delivery) => {
          const body = Buffer.from(delivery.body).toString();
          if (once.has(body)) delivery.settle();
          else delivery.giveBack();
          once.add(body);
        };
        await start(bodiesOf(6), 3);
        await listener.until(() => listener.deliveries.length === 12);

        await leave();

        expect(listener.deliveries.filter((delivery) => delivery.redelivered)).toHaveLength(6);
        expect(await harness.kept()).toEqual([]);
      });

    if (capabilities.givenBack === 'is refused')
      it('tells the sender of what was given back', async () => {
        const bodies = bodiesOf(6);
        listener.onDelivery = (delivery) => delivery.giveBack();
        await start(bodies, 10);
        await listener.until(() => listener.deliveries.length === 6);

        await leave();

        expect(sorted(await harness.kept())).toEqual(sorted(bodies));
      });

    if (capabilities.ends)
      it('ends by itself at the end of its source, after the last settlement', async () => {
        await start(bodiesOf(5), 10);
        await listener.until(() => listener.deliveries.length === 5);
        await settleDown();
        const endedEarly = listener.ended;

        for (const delivery of listener.deliveries) delivery.settle();
        await running;

        expect(endedEarly).toBe(false);
      });

    it('gets its canary back as a delivery, or says that it cannot send one', async () => {
      await start([], 10);

      const sent = await input.sendCanary(Buffer.from('{"canary":1}'));
      if (sent) await listener.until(() => listener.deliveries.length > 0);

      expect(sent).toBe(capabilities.canary);
      expect(listener.bodies).toEqual(sent ? ['{"canary":1}'] : []);
    });

    it('fails with what the listener threw', async () => {
      const broken = new Error('the listener is broken');
      listener = new Listener({ deliver: () => Promise.reject(broken) });
      await start(bodiesOf(1), 10);

      await expect(running).rejects.toBe(broken);
    });
  });
}
