import type { Told } from '../admin/agent-view.ts';
import { byId, el } from './dom.ts';
import { clockTime } from './format.ts';

const most = 60;

/** The latest first. An agent that was restarted counts from 1 again. */
export class ToldList {
  readonly #place = byId('told');
  #last = 0;

  /** A new connection says again what was said lately. */
  begin(): void {
    this.#place.replaceChildren();
    this.#last = 0;
  }

  add({ id, at, name, level, message, facts }: Told): void {
    if (id <= this.#last) return;
    this.#last = id;
    const details = Object.entries(facts)
      .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .join(', ');
    const time = el('time', { datetime: new Date(at).toISOString() }, clockTime(at));
    this.#place.prepend(el('li', { class: level, title: name }, time, el('span', {}, message, el('small', {}, ` ${details}`))));
    while (this.#place.childElementCount > most) this.#place.lastElementChild?.remove();
  }
}
