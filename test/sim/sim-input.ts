import { HeardCustody } from '../../src/inputs/custody.ts';
import type { Custody, Delivery, Input } from '../../src/inputs/input.ts';
import { Fault } from '../../src/model/faults.ts';
import type { Intake } from '../../src/pipeline/intake.ts';
import type { Link } from './link.ts';
import type { Session, SimQueue } from './sim-queue.ts';
import type { Process, SimClock, World } from './world.ts';

/** An input that reads the raw queue: what it did not settle comes again, here or at another listener, whenever its channel is lost. */
export class SimInput implements Pick<Input, 'prove' | 'sendCanary'> {
  readonly #world: World;
  readonly #process: Process;
  readonly #clock: SimClock;
  readonly #link: Link;
  readonly #queue: SimQueue;
  readonly #intake: Intake<Delivery>;
  readonly #prefetch: number;
  readonly #unsure: boolean;
  #session: Session | null = null;
  #custody: { readonly lost: AbortController; readonly heard: HeardCustody } | null = null;
  #lostSettlements = false;
  #unproven = 0;
  #stopped = false;
  #handingIn: Promise<void> = Promise.resolve();

  constructor(
    parts: {
      readonly world: World;
      readonly process: Process;
      readonly clock: SimClock;
      readonly link: Link;
      readonly intake: Intake<Delivery>;
      /** It does not say when its deliveries may be with another. */
      readonly unsure: boolean;
    },
    queue: SimQueue,
    prefetch: number,
  ) {
    this.#world = parts.world;
    this.#process = parts.process;
    this.#clock = parts.clock;
    this.#link = parts.link;
    this.#intake = parts.intake;
    this.#unsure = parts.unsure;
    this.#queue = queue;
    this.#prefetch = prefetch;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#session === null) await this.#attach().catch(() => undefined);
      this.#hear();
      await this.#clock.sleep(this.#world.random.between(50, 400));
    }
  }

  /** The broker's heartbeat; after too long a silence the channel is given up, whatever may still come over it. */
  #hear(): void {
    const session = this.#session;
    if (session === null || this.#custody === null) return;
    if (!this.#custody.heard.holds()) this.#queue.end(session);
    else if (session.open) this.#custody.heard.heard();
  }

  /** Takes no more; what it has may still be settled. */
  stop(): void {
    this.#stopped = true;
  }

  async #attach(): Promise<void> {
    await this.#link.call<null>((answer) => {
      if (this.#stopped || this.#session !== null || this.#process.dead) return answer(null);
      const lost = new AbortController();
      const custody = { lost, heard: new HeardCustody(this.#clock, lost.signal) };
      this.#custody = custody;
      const session: Session = this.#queue.attach(
        this.#process,
        this.#prefetch,
        (tag, { bytes, redelivered }) => this.#arrived({ session, custody: custody.heard }, tag, bytes, redelivered),
        () => {
          lost.abort(new Fault('retryable', 'amqp_disconnected', 'the channel is gone'));
          if (this.#session === session) this.#session = null;
          this.#lostSettlements ||= this.#unproven > 0;
          this.#unproven = 0;
        },
      );
      this.#session = session;
      answer(null);
    });
  }

  #arrived(
    { session, custody }: { readonly session: Session; readonly custody: Custody },
    tag: number,
    body: Uint8Array,
    redelivered: boolean,
  ): void {
    this.#unproven += 1;
    const settle = (back: boolean) => {
      void this.#link.call<null>(() => this.#queue.settleOne(session, tag, back)).catch(() => this.#queue.end(session));
    };
    const delivery: Delivery = {
      body,
      origin: 'amqp://sim/q',
      priority: 'info',
      redelivered,
      ...(this.#unsure ? {} : { custody }),
      settle: () => settle(false),
      giveBack: () => settle(true),
    };
    this.#handingIn = this.#handingIn.then(() => this.#intake.deliver([delivery])).catch(() => settle(true));
  }

  async prove(): Promise<void> {
    this.#tellLost();
    const session = this.#session;
    const unproven = this.#unproven;
    await this.#link.call<null>((answer, refuse) => {
      if (session?.open === true) answer(null);
      else refuse(new Fault('retryable', 'amqp_disconnected', 'the channel is gone'));
    });
    this.#tellLost();
    this.#unproven = Math.max(0, this.#unproven - unproven);
  }

  #tellLost(): void {
    if (!this.#lostSettlements) return;
    this.#lostSettlements = false;
    throw new Fault('retryable', 'settlements_lost', 'what was settled last may come again');
  }

  async sendCanary(body: Uint8Array): Promise<boolean> {
    await this.#link.call<null>((answer) => {
      this.#queue.push(body);
      answer(null);
    });
    return true;
  }
}
