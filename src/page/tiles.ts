import type { Overview, Point } from '../admin/overview.ts';
import { byId, el, keep, say, set } from './dom.ts';
import { rate, whole } from './format.ts';
import { sparkline } from './plot.ts';

interface Tile {
  readonly name: string;
  readonly value: string;
  readonly about: string;
  readonly values: readonly number[];
  readonly tone?: 'warning' | 'critical';
}

const lately = 240;

/** The few numbers that say whether it runs. */
export function drawTiles(now: Overview, points: readonly Point[]): void {
  const sum = <T>(all: readonly T[], of: (one: T) => number) => all.reduce((total, one) => total + of(one), 0);
  const past = points.slice(-lately);
  const unowned = now.partitions.filter(({ owner }) => owner === null).length;
  const entries = sum(now.partitions, (one) => one.entries);
  const letters = now.deadLetters.letters;
  const tiles: readonly Tile[] = [
    {
      name: 'notifications in',
      value: rate(sum(now.members, (one) => one.receivedPerSecond)),
      about: 'per second',
      values: past.map(({ received }) => received),
    },
    {
      name: 'outputs out',
      value: rate(sum(now.members, (one) => one.publishedPerSecond)),
      about: 'per second',
      values: past.map(({ published }) => published),
    },
    { name: 'entries waiting', value: whole(entries), about: 'in all partitions', values: past.map((point) => point.entries) },
    {
      name: 'agents',
      value: whole(now.members.length),
      about: now.members.length === 1 ? 'alive' : 'alive, sharing the work',
      values: past.map(({ members }) => members),
      ...(now.members.length === 0 ? { tone: 'critical' } : {}),
    },
    {
      name: 'partitions',
      value: whole(now.partitions.length),
      about: unowned === 0 ? 'each has an owner' : `${whole(unowned)} without owner`,
      values: past.map((point) => point.unowned),
      ...(unowned > 0 ? { tone: 'critical' } : {}),
    },
    {
      name: 'dead letters',
      value: whole(letters),
      about: 'kept here',
      values: past.map(({ deadLetters }) => deadLetters),
      ...(letters > 0 ? { tone: 'warning' } : {}),
    },
  ];
  keep(
    byId('tiles'),
    tiles,
    ({ name }) => name,
    ({ name }) =>
      el(
        'div',
        {},
        el('span', { class: 'name' }, name),
        el('b'),
        el('span', { class: 'about' }),
        el('span', { class: 'picture' }),
      ),
    (tile, { value, about, values, tone }) => {
      const [, number, words, picture] = tile.children;
      set(tile, 'class', `tile ${tone ?? ''}`.trim());
      say(number as Element, value);
      say(words as Element, about);
      (picture as Element).replaceChildren(...(values.length > 1 ? [sparkline(values)] : []));
    },
  );
}
