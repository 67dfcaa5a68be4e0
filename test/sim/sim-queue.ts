import type { Process, World } from './world.ts';

export interface Message {
  readonly bytes: Uint8Array;
  redelivered: boolean;
}

interface Unsettled {
  readonly tag: number;
  readonly message: Message;
}

/** One consumer's channel. What it did not settle goes back to the head of the queue, in order, when it ends. */
export interface Session {
  readonly process: Process;
  readonly prefetch: number;
  readonly arrived: (tag: number, message: Message) => void;
  readonly lost: () => void;
  readonly unsettled: Unsettled[];
  open: boolean;
  lastArrival: number;
  nextTag: number;
}

/** A durable queue of the broker: bounded, refusing what is beyond; one consumer at a time gets anything if it is `single`. */
export class SimQueue {
  readonly name: string;
  readonly #world: World;
  readonly #single: boolean;
  readonly #bound: number;
  readonly #ready: Message[] = [];
  #sessions: Session[] = [];

  constructor(world: World, name: string, single: boolean, bound: number) {
    this.#world = world;
    this.name = name;
    this.#single = single;
    this.#bound = bound;
  }

  /** What nobody has settled, whoever holds it. */
  get pending(): readonly Message[] {
    return [...this.#ready, ...this.#sessions.flatMap((session) => session.unsettled.map(({ message }) => message))];
  }

  /** False at the bound. */
  push(bytes: Uint8Array): boolean {
    if (this.#ready.length >= this.#bound) return false;
    this.#ready.push({ bytes, redelivered: false });
    this.#deliver();
    return true;
  }

  attach(process: Process, prefetch: number, arrived: Session['arrived'], lost: Session['lost']): Session {
    const session = { process, prefetch, arrived, lost, unsettled: [], open: true, lastArrival: 0, nextTag: 1 };
    this.#sessions.push(session);
    // Delivered to once its consumer knows it.
    this.#world.after(0, null, () => this.#deliver());
    return session;
  }

  settle(session: Session, upToTag: number): void {
    if (!session.open) return;
    let count = 0;
    while ((session.unsettled[count]?.tag ?? Number.POSITIVE_INFINITY) <= upToTag) count += 1;
    session.unsettled.splice(0, count);
    this.#deliver();
  }

  settleOne(session: Session, tag: number, back: boolean): void {
    const at = session.unsettled.findIndex((one) => one.tag === tag);
    if (!session.open || at < 0) return;
    const [one] = session.unsettled.splice(at, 1);
    if (back && one !== undefined) {
      one.message.redelivered = true;
      this.#ready.unshift(one.message);
    }
    this.#deliver();
  }

  /** Closed by its side or lost; the consumer hears of it (if it still can) after a while. */
  end(session: Session): void {
    if (!session.open) return;
    session.open = false;
    this.#sessions = this.#sessions.filter((other) => other !== session);
    const back = session.unsettled.splice(0).map(({ message }) => message);
    for (const message of back) message.redelivered = true;
    this.#ready.unshift(...back);
    this.#world.after(this.#world.random.between(0.1, 30), session.process, session.lost);
    this.#deliver();
  }

  endAllOf(process: Process): void {
    for (const session of this.#sessions.filter((other) => other.process === process)) this.end(session);
  }

  #deliver(): void {
    while (this.#ready.length > 0) {
      const able = (this.#single ? this.#sessions.slice(0, 1) : this.#sessions).filter(
        (session) => session.unsettled.length < session.prefetch,
      );
      if (able.length === 0) return;
      const session = able.length === 1 ? (able[0] as Session) : this.#world.random.pick(able);
      const message = this.#ready.shift() as Message;
      const tag = session.nextTag;
      session.nextTag += 1;
      session.unsettled.push({ tag, message });
      session.lastArrival = Math.max(session.lastArrival, this.#world.now + this.#world.random.between(0.1, 5));
      this.#world.after(session.lastArrival - this.#world.now, session.process, () => {
        if (session.open) session.arrived(tag, message);
      });
    }
  }
}
