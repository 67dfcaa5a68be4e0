import { styleText } from 'node:util';
import type { ClusterView } from '../../agent/cluster-view.ts';

/**
 * Agents × partitions, with rates and lag. On a terminal it is drawn again in place; elsewhere one line now and then, so that a log of
 * it can be read.
 */
export class LiveTable {
  readonly #out: NodeJS.WriteStream;
  readonly #live: boolean;
  readonly #colour: boolean;
  #drawn = 0;
  #before: { readonly at: number; readonly received: number; readonly published: number } | null = null;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
    this.#live = out.isTTY === true;
    this.#colour = this.#live && !process.env['NO_COLOR'];
  }

  show(view: ClusterView, names: ReadonlyMap<string, string>, now: number): void {
    const received = total(view, 'received');
    const published = total(view, 'published');
    const seconds = this.#before === null ? 0 : (now - this.#before.at) / 1000;
    const rate = (value: number, before: number) => (seconds > 0 ? Math.max(0, Math.round((value - before) / seconds)) : 0);
    const rates = `${rate(received, this.#before?.received ?? 0)} notifications/s in, ${rate(published, this.#before?.published ?? 0)} outputs/s out`;
    this.#before = { at: now, received, published };
    const waiting = view.partitions.reduce((sum, partition) => sum + partition.entries, 0);
    if (this.#live) this.#draw(view, names, `${rates}, ${waiting} entries wait`);
    else if (now - this.#saidAt >= 3000) {
      this.#saidAt = now;
      const owners = [...names.values()].map((name) => `${name}: ${this.#ownedBy(view, names, name).length}`);
      const free = view.partitions.filter((partition) => partition.owner === null).length;
      this.#out.write(
        `partitions ${owners.join(', ')}${free > 0 ? `, nobody: ${free}` : ''}; ${rates}, ${waiting} entries wait\n`,
      );
    }
  }

  say(line: string): void {
    this.#drawn = 0;
    this.#out.write(`${this.#colour ? styleText('bold', line) : line}\n`);
  }

  #draw(view: ClusterView, names: ReadonlyMap<string, string>, footer: string): void {
    const sinks = [...new Set(view.partitions.map((partition) => partition.sink))];
    const rows = [`${' '.repeat(10)}${sinks.map((sink) => sink.padEnd(width(view, sink) + 2)).join('')}`];
    for (const name of [...names.values(), 'nobody']) {
      const owned = new Set(this.#ownedBy(view, names, name));
      const cells = sinks.map((sink) => {
        const partitions = view.partitions.filter((partition) => partition.sink === sink);
        return partitions
          .map((partition) => (owned.has(partition.unit) ? '■' : '·'))
          .join('')
          .padEnd(width(view, sink) + 2);
      });
      const row = `${name.padEnd(10)}${cells.join('')}`;
      if (name !== 'nobody' || owned.size > 0) rows.push(this.#colour && name === 'nobody' ? styleText('red', row) : row);
    }
    rows.push(footer);
    if (this.#drawn > 0) this.#out.write(`\u001b[${this.#drawn}A\u001b[J`);
    this.#out.write(`${rows.join('\n')}\n`);
    this.#drawn = rows.length;
  }

  #ownedBy(view: ClusterView, names: ReadonlyMap<string, string>, name: string): string[] {
    return view.partitions
      .filter((partition) => (partition.owner === null ? 'nobody' : (names.get(partition.owner) ?? partition.owner)) === name)
      .map((partition) => partition.unit);
  }
}

function width(view: ClusterView, sink: string): number {
  return Math.max(sink.length, view.partitions.filter((partition) => partition.sink === sink).length);
}

function total(view: ClusterView, fact: string): number {
  return view.members.reduce((sum, member) => sum + Number(member.facts[fact] ?? 0), 0);
}
