import type { Clock } from '../../lib/clock.ts';
import type { Link, Session } from './link.ts';
import type { Spool } from './spool.ts';
import { type LaneRow, SpoolLane } from './spool-lane.ts';

export interface DeskOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  /** Without names: one delivery each, to whoever is there first. */
  readonly sinks: readonly string[];
  readonly acknowledgeWithinMs: number;
  readonly forceRetransmitMs: number;
  readonly deferMs: number;
  readonly wake: () => void;
}

/** The source's end, whatever it speaks. */
export interface SendingSession extends Session {
  /** Room for more notifications. */
  readonly room: number;
  /** Since when (monotonic) what waits longest for its acknowledgement waits. */
  readonly oldestSentAt: number | undefined;
  /** Sends at most `most` notifications of the lane. Returns how many. */
  sendFrom(lane: SpoolLane, most: number): number;
}

export interface SourceLink {
  readonly link: Link;
  readonly session: SendingSession;
}

const laneRules = { mostTries: 5, mostLive: 5_000 };

/**
 * Gives each connection its next notifications, and takes back what was lost with one. With one delivery each, the sink that got the
 * last one gets the next (no flapping between two), until its last connection is gone or it does not acknowledge in time.
 */
export class SourceDesk {
  readonly #options: DeskOptions;
  readonly #lanes: readonly SpoolLane[];
  /** By lane: the place that it delivers to at present. */
  readonly #places = new Map<SpoolLane, string>();
  #arrived: { readonly lane: string; readonly seq: number }[] = [];
  #deferred: { readonly lane: string; readonly seq: number }[] = [];
  #writing: Promise<void> | undefined;
  #turns = 0;

  constructor(options: DeskOptions) {
    this.#options = options;
    const names = options.sinks.length === 0 ? [''] : options.sinks;
    this.#lanes = names.map((name) => new SpoolLane(name, options.spool, laneRules));
  }

  /** Notifications that were sent and not acknowledged yet. */
  get onTheirWay(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.onTheirWay, 0);
  }

  arrived(lane: SpoolLane, rows: readonly LaneRow[]): void {
    lane.arrived(rows);
    for (const { seq } of rows) this.#arrived.push({ lane: lane.name, seq });
    this.#options.wake();
  }

  lost(lane: SpoolLane, rows: readonly LaneRow[]): void {
    for (const { seq } of lane.lost(rows)) this.#deferred.push({ lane: lane.name, seq });
    this.#options.wake();
  }

  /** Looks for what came in; true: there is something. */
  look(): boolean {
    let news = false;
    for (const lane of this.#lanes) news = lane.look() || news;
    return news;
  }

  /** A chunk for each connection in turn, until nothing fits or nothing is left. True: the turn was over before. */
  turn(links: readonly SourceLink[], budget: number): boolean {
    let sent = 0;
    for (const lane of this.#lanes) {
      const active = this.#activeLinks(lane, links);
      if (active.length === 0) continue;
      this.#turns += 1;
      for (let i = 0, idle = 0; idle < active.length; i++) {
        if (sent >= budget) return true;
        const one = active[(this.#turns + i) % active.length] as SourceLink;
        const count = one.session.room > 0 ? one.session.sendFrom(lane, one.session.room) : 0;
        idle = count === 0 ? idle + 1 : 0;
        sent += count;
      }
    }
    return false;
  }

  /** Gives up connections whose acknowledgements are overdue. */
  tick(links: readonly SourceLink[]): void {
    const now = this.#options.clock.monotonic();
    for (const { link, session } of links) {
      const waited = session.oldestSentAt === undefined ? 0 : now - session.oldestSentAt;
      const another = links.some((other) => other.link.established && other.link.place !== link.place);
      if (waited >= this.#options.forceRetransmitMs) link.lose('acknowledgement overdue, sent again');
      else if (waited >= this.#options.acknowledgeWithinMs && another && this.#options.sinks.length === 0)
        link.lose('acknowledgement overdue, another sink takes over');
    }
  }

  /** Removes what arrived and sets aside what was lost too often. Resolves when all until now is on disk. */
  settle(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#arrived.length + this.#deferred.length > 0) this.#options.wake();
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    const { spool, clock, deferMs } = this.#options;
    const [arrived, deferred] = [this.#arrived, this.#deferred];
    [this.#arrived, this.#deferred] = [[], []];
    if (arrived.length > 0) await spool.remove(arrived);
    if (deferred.length > 0) await spool.defer(deferred, clock.now() + deferMs);
  }

  #activeLinks(lane: SpoolLane, links: readonly SourceLink[]): readonly SourceLink[] {
    const there = links.filter(({ link }) => link.established && (lane.name === '' || link.place === lane.name));
    const before = this.#places.get(lane);
    const place = there.some(({ link }) => link.place === before) ? before : there[0]?.link.place;
    if (place === undefined) this.#places.delete(lane);
    else if (place !== before) {
      this.#places.set(lane, place);
      lane.startLive();
    }
    return there.filter(({ link }) => link.place === place);
  }
}
