import type { MemberNow, Overview, PartitionNow } from '../admin/overview.ts';
import { Departed } from './departed.ts';
import { byId, el, keep, say, set } from './dom.ts';
import { count, rate, whole } from './format.ts';

const tones = 8;
const movedForMs = 6_000;
const toldMoves = 4;

interface Row {
  readonly name: string;
  readonly member: MemberNow | null;
}

/** Agents × partitions: a row per agent, a square per partition, filled where the agent runs it. What moves lights up for a while. */
export class Owners {
  readonly #table = byId('owners');
  readonly #head = el('tr');
  readonly #body = el('tbody');
  readonly #tones = new Map<string, number>();
  readonly #owners = new Map<string, string | null>();
  /** Of those that somebody has run: who, before nobody did. */
  readonly #lastOwner = new Map<string, string>();
  readonly #movedAt = new Map<string, number>();
  readonly #departed = new Departed();
  #moves: string[] = [];

  constructor() {
    this.#table.append(el('thead', {}, this.#head), this.#body);
  }

  draw(now: Overview): void {
    this.#noteMoves(now);
    const sinks = [...new Set(now.partitions.map(({ sink }) => sink))].sort();
    const names = [...now.members.map(({ agent }) => agent), ...this.#departed.names(now, Date.now())].sort();
    const nobody = now.partitions.some(({ owner }) => owner === null);
    const rows: Row[] = [
      ...names.map((name) => ({ name, member: now.members.find(({ agent }) => agent === name) ?? null })),
      ...(nobody ? [{ name: 'nobody', member: null }] : []),
    ];
    keep(
      this.#head,
      ['agent', ...sinks, 'in', 'out'],
      (name) => name,
      (name) => el('th', { scope: 'col', ...(name === 'in' || name === 'out' ? { class: 'number' } : {}) }),
      (cell, name) => say(cell, name === 'in' || name === 'out' ? `${name} /s` : name),
    );
    keep(
      this.#body,
      rows,
      ({ name }) => name,
      () => el('tr', {}, el('th', { scope: 'row' })),
      (row, { name, member }) => this.#row(row, name, member, sinks, now.partitions),
    );
    say(byId('moved'), this.#moves.join('  '));
  }

  #row(
    row: Element,
    name: string,
    member: MemberNow | null,
    sinks: readonly string[],
    partitions: readonly PartitionNow[],
  ): void {
    const isNobody = name === 'nobody' && member === null;
    set(row, 'class', isNobody ? 'nobody' : member === null ? 'dead' : '');
    const [head] = row.children;
    if (head === undefined) return;
    const owned = partitions.filter(({ owner }) => (isNobody ? owner === null : owner === name));
    const about = isNobody
      ? count(owned.length, 'partition')
      : member === null
        ? 'gone'
        : `${count(owned.length, 'partition')} · ${member.host} ${member.pid}`;
    if (head.childElementCount === 0)
      head.append(el('b', { class: isNobody ? '' : `agent tone-${this.#tone(name)}` }, name), el('small'));
    say(head.lastElementChild as Element, about);
    keep(
      row,
      ['', ...sinks, 'in', 'out'],
      (key) => key,
      (key) => (key === '' ? el('th', { scope: 'row' }) : el('td', key === 'in' || key === 'out' ? { class: 'number' } : {})),
      (cell, key) => {
        if (key === '') return;
        if (key === 'in') return say(cell, member === null ? '' : rate(member.receivedPerSecond));
        if (key === 'out') return say(cell, member === null ? '' : rate(member.publishedPerSecond));
        this.#strip(
          cell,
          name,
          isNobody,
          partitions.filter(({ sink }) => sink === key),
        );
      },
    );
  }

  #strip(cell: Element, name: string, isNobody: boolean, partitions: readonly PartitionNow[]): void {
    if (cell.childElementCount === 0)
      cell.append(el('span', { class: 'strip', 'aria-hidden': 'true' }), el('span', { class: 'unseen' }));
    const [strip, words] = cell.children;
    const isOwner = ({ owner }: PartitionNow) => (isNobody ? owner === null : owner === name);
    const numbers = partitions.filter(isOwner).map(({ partition }) => partition);
    say(words as Element, `${numbers.length} of ${partitions.length}${numbers.length === 0 ? '' : `: ${numbers.join(', ')}`}`);
    (strip as HTMLElement).style.setProperty('--squares', String(partitions.length));
    keep(
      strip as Element,
      partitions,
      ({ unit }) => unit,
      () => el('i'),
      (square, partition) => {
        const moved = isOwner(partition) && Date.now() - (this.#movedAt.get(partition.unit) ?? 0) < movedForMs;
        const classes = [
          isOwner(partition) ? (isNobody ? 'unowned' : `owned tone-${this.#tone(name)}`) : '',
          moved ? 'moved' : '',
          isOwner(partition) && partition.trouble !== null ? 'troubled' : '',
        ];
        set(square, 'class', classes.filter((each) => each !== '').join(' '));
        set(square, 'title', describe(partition));
      },
    );
  }

  #noteMoves(now: Overview): void {
    const first = this.#owners.size === 0;
    const moved = new Map<string, number>();
    for (const { unit, sink, owner } of now.partitions) {
      const before = this.#owners.get(unit);
      this.#owners.set(unit, owner);
      if (first || before === undefined || before === owner) continue;
      this.#movedAt.set(unit, Date.now());
      const from = before ?? this.#lastOwner.get(unit) ?? 'nobody';
      if (before !== null) this.#lastOwner.set(unit, before);
      const words = `${sink}: ${from} → ${owner ?? 'nobody'}`;
      moved.set(words, (moved.get(words) ?? 0) + 1);
    }
    const told = [...moved].map(([words, n]) => `${words} (${count(n, 'partition')}).`);
    if (told.length > 0) this.#moves = told.slice(0, toldMoves);
  }

  /** A colour that stays with the name as long as the page lives. */
  #tone(agent: string): number {
    const known = this.#tones.get(agent) ?? this.#tones.size % tones;
    this.#tones.set(agent, known);
    return known;
  }
}

function describe({ unit, owner, epoch, entries, trouble }: PartitionNow): string {
  return `${unit}\n${owner ?? 'nobody'}, epoch ${epoch}, ${whole(entries)} waiting${trouble === null ? '' : `\n${trouble.text}`}`;
}
