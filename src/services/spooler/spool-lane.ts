import type { Spool, SpoolRow } from './spool.ts';

interface Range {
  after: number;
  readonly upTo: number;
}

/** A row on its way: how often it was lost with its connection. */
export interface LaneRow extends SpoolRow {
  readonly tries: number;
}

export interface LaneRules {
  /** A row that was lost with so many connections is deferred: it may be what kills them. */
  readonly mostTries: number;
  /** So many unread live rows are a backlog. */
  readonly mostLive: number;
}

/**
 * Decides which row is sent next. What comes in while a sink is there is live and goes before what waited (three places of four, so
 * that the backlog goes on too); what was lost with a connection comes first of all. In memory are numbers, and the rows on their way.
 */
export class SpoolLane {
  readonly name: string;
  readonly #spool: Spool;
  readonly #rules: LaneRules;
  /** What waited, oldest first. */
  #backlog: Range[];
  #live: number;
  #last: number;
  #lost: LaneRow[] = [];
  readonly #onTheirWay = new Set<number>();

  constructor(name: string, spool: Spool, rules: LaneRules) {
    this.name = name;
    this.#spool = spool;
    this.#rules = rules;
    this.#last = spool.last();
    this.#live = this.#last;
    this.#backlog = this.#last > 0 ? [{ after: 0, upTo: this.#last }] : [];
  }

  get onTheirWay(): number {
    return this.#onTheirWay.size;
  }

  /** Looks for new rows; true: there are some. */
  look(): boolean {
    this.#last = this.#spool.last();
    if (this.#last - this.#live > this.#rules.mostLive) this.startLive();
    return this.#last > this.#live;
  }

  /** From now on what comes is live; all before it is backlog. */
  startLive(): void {
    this.#last = this.#spool.last();
    if (this.#last <= this.#live) return;
    this.#backlog.push({ after: this.#live, upTo: this.#last });
    this.#live = this.#last;
  }

  /** At most so many rows, at most so many bytes but for the first. */
  take(rows: number, bytes: number): LaneRow[] {
    const taken: LaneRow[] = [];
    let room = bytes;
    const add = (more: readonly LaneRow[]) => {
      for (const row of more) {
        taken.push(row);
        room -= row.entry.length;
        this.#onTheirWay.add(row.seq);
      }
    };
    while (taken.length < rows && this.#lost.length > 0) {
      const row = this.#lost[0] as LaneRow;
      if (taken.length > 0 && row.entry.length > room) return taken;
      this.#lost.shift();
      add([row]);
    }
    const left = () => rows - taken.length;
    const share = this.#backlog.length > 0 ? Math.max(1, Math.ceil((left() * 3) / 4)) : left();
    if (left() > 0) add(this.#takeLive(share, room));
    while (left() > 0 && room > 0 && this.#backlog.length > 0) {
      const more = this.#takeBacklog(left(), room);
      if (more === undefined) break;
      add(more);
    }
    if (left() > 0 && room > 0) add(this.#takeLive(left(), room));
    return taken;
  }

  arrived(rows: readonly LaneRow[]): void {
    for (const row of rows) this.#onTheirWay.delete(row.seq);
  }

  /** Their connection is gone. Returns those that were lost too often: to be deferred. */
  lost(rows: readonly LaneRow[]): LaneRow[] {
    const deferred: LaneRow[] = [];
    for (const row of rows) {
      this.#onTheirWay.delete(row.seq);
      const again = { ...row, tries: row.tries + 1 };
      if (again.tries >= this.#rules.mostTries) deferred.push(again);
      else this.#lost.push(again);
    }
    this.#lost.sort((a, b) => a.seq - b.seq);
    return deferred;
  }

  #takeLive(rows: number, bytes: number): LaneRow[] {
    const found = this.#spool.read(this.name, this.#live, this.#last, { rows, bytes });
    // Numbers of other lanes lie between ours: an empty answer means that none of these is ours.
    this.#live = found.length === 0 ? this.#last : (found.at(-1) as SpoolRow).seq;
    return found.map((row) => ({ ...row, tries: 0 }));
  }

  /** `undefined`: the first backlog row does not fit any more. */
  #takeBacklog(rows: number, bytes: number): LaneRow[] | undefined {
    const range = this.#backlog[0] as Range;
    const found = this.#spool.read(this.name, range.after, range.upTo, { rows, bytes });
    if (found.length === 0) {
      this.#backlog.shift();
      return [];
    }
    range.after = (found.at(-1) as SpoolRow).seq;
    return found.map((row) => ({ ...row, tries: 0 }));
  }
}
