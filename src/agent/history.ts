import type { Overview, Point } from '../admin/overview.ts';

/** An hour of points. */
export const historyEveryMs = 5_000;
const mostPoints = 720;
const mostSinks = 50;

/** The recent past of the cluster as this process saw it: for plots, gone with the process. */
export class History {
  readonly #points: Point[] = [];

  get points(): readonly Point[] {
    return this.#points;
  }

  add(overview: Overview): Point {
    const point = pointOf(overview);
    this.#points.push(point);
    if (this.#points.length > mostPoints) this.#points.shift();
    return point;
  }
}

function pointOf({ at, members, partitions, sinks }: Overview): Point {
  const sum = <T>(all: readonly T[], of: (one: T) => number) =>
    Math.round(all.reduce((total, one) => total + of(one), 0) * 10) / 10;
  const shown = [...sinks].sort((a, b) => b.acceptedPerSecond - a.acceptedPerSecond).slice(0, mostSinks);
  return {
    at,
    received: sum(members, ({ receivedPerSecond }) => receivedPerSecond),
    applied: sum(members, ({ appliedPerSecond }) => appliedPerSecond),
    published: sum(members, ({ publishedPerSecond }) => publishedPerSecond),
    deadLetters: sum(members, ({ deadLettersPerSecond }) => deadLettersPerSecond),
    entries: sum(partitions, ({ entries }) => entries),
    outboxItems: sum(partitions, ({ outboxItems }) => outboxItems),
    members: members.length,
    unowned: partitions.filter(({ owner }) => owner === null).length,
    sinks: Object.fromEntries(
      shown.map(({ sink, appliedPerSecond, acceptedPerSecond, entries }) => [
        sink,
        { applied: appliedPerSecond, accepted: acceptedPerSecond, entries },
      ]),
    ),
  };
}
