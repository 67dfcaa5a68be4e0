import type { Point } from '../admin/overview.ts';
import { el, keep, say, set, svg } from './dom.ts';
import { clockTime, rate, short } from './format.ts';
import { niceTop, timeTicks } from './scale.ts';

export interface Series {
  readonly name: string;
  /** A class that gives the colour. */
  readonly tone: string;
  readonly of: (point: Point) => number;
}

const height = 168;
const margin = { left: 44, right: 8, top: 8, bottom: 22 };
/** Between points further apart there is no line: nobody knows what was there. */
const gapMs = 30_000;

/**
 * Lines over time. Pointer or arrow keys read a moment; the text below says it, and to whom sees nothing the label says now, least and
 * most.
 */
export class Plot {
  readonly #series: readonly Series[];
  readonly #figure: SVGSVGElement;
  readonly #drawing = svg('g');
  readonly #cursor = svg('g', { class: 'cursor' });
  readonly #reading = el('p', { class: 'reading', 'aria-live': 'polite' });
  readonly #legend: HTMLElement;
  readonly #name: string;
  #points: readonly Point[] = [];
  #width = 600;
  #at: number | null = null;

  constructor(place: HTMLElement, legend: HTMLElement, name: string, series: readonly Series[]) {
    this.#series = series;
    this.#legend = legend;
    this.#name = name;
    this.#figure = svg('svg', { role: 'img', tabindex: 0, height, preserveAspectRatio: 'none' }, this.#drawing, this.#cursor);
    place.append(this.#figure, this.#reading);
    new ResizeObserver(([entry]) => {
      this.#width = Math.max(240, Math.round(entry?.contentRect.width ?? 600));
      this.draw(this.#points);
    }).observe(place);
    this.#figure.addEventListener('pointermove', (event) => this.#read(this.#nearest(event.offsetX)));
    this.#figure.addEventListener('pointerleave', () => this.#read(null));
    this.#figure.addEventListener('blur', () => this.#read(null));
    this.#figure.addEventListener('keydown', (event) => this.#key(event));
  }

  draw(points: readonly Point[]): void {
    this.#points = points;
    this.#describe();
    set(this.#figure, 'viewBox', `0 0 ${this.#width} ${height}`);
    const parts: SVGElement[] = [];
    const top = this.#top();
    for (const share of [0, 0.5, 1]) {
      const y = this.#y(share * top);
      parts.push(svg('line', { class: 'grid', x1: margin.left, x2: this.#width - margin.right, y1: y, y2: y }));
      parts.push(svg('text', { class: 'tick', x: margin.left - 6, y: y + 4, 'text-anchor': 'end' }, short(share * top)));
    }
    for (const at of timeTicks(this.#from(), this.#to(), Math.floor(this.#width / 90))) {
      const x = this.#x(at);
      if (x > margin.left + 16 && x < this.#width - 24)
        parts.push(
          svg(
            'text',
            { class: 'tick', x, y: height - 6, 'text-anchor': 'middle' },
            clockTime(at).slice(0, this.#span() < 600_000 ? 8 : 5),
          ),
        );
    }
    for (const [index, { tone, of }] of this.#series.entries()) {
      const line = this.#line(of);
      if (line === '') continue;
      if (index === 0) parts.push(svg('path', { class: `area ${tone}`, d: this.#area(of) }));
      parts.push(svg('path', { class: `line ${tone}`, d: line }));
    }
    this.#drawing.replaceChildren(...parts);
    this.#read(this.#at);
  }

  #describe(): void {
    const last = this.#points.at(-1);
    keep(
      this.#legend,
      this.#series,
      ({ name }) => name,
      ({ name, tone }) => el('li', {}, el('span', { class: `swatch ${tone}`, 'aria-hidden': 'true' }), ` ${name} `, el('b')),
      (item, { of }) => say(item.querySelector('b') as Element, last === undefined ? '' : rate(of(last))),
    );
    const told = this.#series.map(({ name, of }) => {
      const values = this.#points.map(of);
      return last === undefined
        ? name
        : `${name}: now ${rate(of(last))}, least ${rate(Math.min(...values))}, most ${rate(Math.max(...values))}`;
    });
    set(this.#figure, 'aria-label', `${this.#name}. ${told.join('. ')}. Arrow keys read a moment.`);
  }

  #line(of: (point: Point) => number): string {
    let before: Point | null = null;
    let path = '';
    for (const point of this.#points) {
      const pen = before === null || point.at - before.at > gapMs ? 'M' : 'L';
      path += `${pen}${this.#x(point.at).toFixed(1)} ${this.#y(of(point)).toFixed(1)}`;
      before = point;
    }
    return path;
  }

  #area(of: (point: Point) => number): string {
    const [first, last] = [this.#points[0], this.#points.at(-1)];
    if (first === undefined || last === undefined) return '';
    const floor = this.#y(0);
    const along = this.#points.map((point) => `L${this.#x(point.at).toFixed(1)} ${this.#y(of(point)).toFixed(1)}`).join('');
    return `M${this.#x(first.at).toFixed(1)} ${floor}${along}L${this.#x(last.at).toFixed(1)} ${floor}Z`;
  }

  #read(index: number | null): void {
    const point = index === null ? undefined : this.#points[index];
    this.#at = point === undefined ? null : index;
    if (point === undefined) {
      this.#cursor.replaceChildren();
      say(this.#reading, '');
      return;
    }
    const x = this.#x(point.at);
    this.#cursor.replaceChildren(
      svg('line', { x1: x, x2: x, y1: margin.top, y2: height - margin.bottom }),
      ...this.#series.map(({ tone, of }) => svg('circle', { class: tone, cx: x, cy: this.#y(of(point)), r: 3.5 })),
    );
    say(this.#reading, `${clockTime(point.at)}  ${this.#series.map(({ name, of }) => `${name} ${rate(of(point))}`).join(', ')}`);
  }

  #key(event: KeyboardEvent): void {
    const last = this.#points.length - 1;
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      PageUp: -12,
      PageDown: 12,
      Home: -last,
      End: last,
    };
    const step = steps[event.key];
    if (event.key === 'Escape') this.#read(null);
    if (step === undefined || last < 0) return;
    event.preventDefault();
    this.#read(Math.min(last, Math.max(0, (this.#at ?? last + (step < 0 ? 1 : 0)) + step)));
  }

  #nearest(x: number): number | null {
    if (this.#points.length === 0) return null;
    const scale = this.#width / Math.max(1, this.#figure.clientWidth);
    const distance = (index: number) => Math.abs(this.#x((this.#points[index] as Point).at) - x * scale);
    return this.#points.reduce((best, _, index) => (distance(index) < distance(best) ? index : best), 0);
  }

  #from(): number {
    const first = this.#points[0]?.at ?? Date.now();
    // A minute at least: two points do not make a mountain.
    return Math.min(first, this.#to() - 60_000);
  }

  #to(): number {
    return this.#points.at(-1)?.at ?? Date.now();
  }

  #span(): number {
    return this.#to() - this.#from();
  }

  #top(): number {
    return niceTop(Math.max(0, ...this.#series.flatMap(({ of }) => this.#points.map(of))));
  }

  #x(at: number): number {
    return margin.left + ((at - this.#from()) / this.#span()) * (this.#width - margin.left - margin.right);
  }

  #y(value: number): number {
    return height - margin.bottom - (value / this.#top()) * (height - margin.top - margin.bottom);
  }
}

/** A line without axes, beside a number that says the same. */
export function sparkline(values: readonly number[]): SVGSVGElement {
  const top = Math.max(1, ...values);
  const step = 96 / Math.max(1, values.length - 1);
  const at = (value: number, index: number) => `${(index * step + 2).toFixed(1)} ${(22 - (value / top) * 20).toFixed(1)}`;
  const line = values.map((value, index) => `${index === 0 ? 'M' : 'L'}${at(value, index)}`).join('');
  return svg(
    'svg',
    { class: 'spark', viewBox: '0 0 100 24', 'aria-hidden': 'true', preserveAspectRatio: 'none' },
    svg('path', { d: line }),
  );
}
