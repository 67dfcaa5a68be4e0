import type { LetterNow, LetterStats, Overview, WholeLetter } from '../admin/overview.ts';
import { byId, el, keep, say, set } from './dom.ts';
import { bytes, clockTime, count, whole } from './format.ts';
import { ask } from './stream.ts';
import { type Column, drawTable } from './table.ts';

const shown = 50;
const retryPath = '/v1/dead-letters/retry';
const dropPath = '/v1/dead-letters/drop';

/** Dead letters by reason, the latest of them, and what can be done about one. Read again only when their number changes. */
export class Letters {
  readonly #place = byId('letters');
  readonly #dialog = byId<HTMLDialogElement>('letter-dialog');
  readonly #bars = el('ul', { class: 'bars' });
  readonly #said = el('p', { class: 'quiet', role: 'status' });
  readonly #others = el('p', { class: 'quiet others' });
  readonly #table = el('table');
  readonly #scroll = el(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'The latest dead letters' },
    this.#table,
  );
  #can: ReadonlySet<string> = new Set();
  #known = '';
  #reason: string | null = null;

  constructor() {
    this.#place.append(this.#bars, this.#said, this.#scroll, this.#others);
    this.#dialog.addEventListener('click', (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
  }

  /** `paths`: what this agent can do, by its own description. */
  learn(paths: ReadonlySet<string>): void {
    this.#can = paths;
  }

  draw(now: Overview): void {
    say(byId('letters-whose'), `kept by ${now.servedBy.agent}`);
    this.#drawBars(now.deadLetters);
    this.#drawOthers(now);
    const known = JSON.stringify([now.deadLetters, this.#reason]);
    if (known === this.#known) return;
    this.#known = known;
    void this.#list();
  }

  #drawBars({ byReason, letters, evicted }: LetterStats): void {
    const reasons = Object.entries(byReason).sort(([, a], [, b]) => b - a);
    const most = Math.max(1, ...reasons.map(([, n]) => n));
    keep(
      this.#bars,
      reasons,
      ([reason]) => reason,
      ([reason]) => {
        const button = el(
          'button',
          { type: 'button', 'aria-pressed': 'false' },
          el('span', { class: 'fill' }),
          el('b'),
          el('span', { class: 'n' }),
        );
        button.addEventListener('click', () => {
          this.#reason = this.#reason === reason ? null : reason;
          this.#known = '';
          for (const other of this.#bars.querySelectorAll('button'))
            set(other, 'aria-pressed', String(other === button && this.#reason !== null));
          void this.#list();
        });
        return el('li', {}, button);
      },
      (item, [reason, n]) => {
        const [fill, name, number] = (item.firstElementChild as Element).children;
        (fill as HTMLElement).style.setProperty('--share', `${Math.max(1, Math.round((n / most) * 100))}%`);
        say(name as Element, reason);
        say(number as Element, whole(n));
      },
    );
    const gone = evicted === 0 ? '' : ` ${count(evicted, 'older one')} made room at the bound.`;
    if (this.#said.dataset['answer'] === undefined)
      say(this.#said, letters === 0 ? `There are none.${gone}` : `${count(letters, 'dead letter')}.${gone}`);
    set(this.#scroll, 'hidden', letters === 0);
  }

  /** Who else has made some, with the way to its page: each data directory has its own. */
  #drawOthers({ members, servedBy }: Overview): void {
    const others = members.filter(({ boot, deadLetters }) => boot !== servedBy.boot && deadLetters > 0);
    set(this.#others, 'hidden', others.length === 0);
    keep(
      this.#others,
      others,
      ({ boot }) => boot,
      ({ admin, host }) => (admin === null ? el('span') : el('a', { href: reachable(admin, host) })),
      (link, { agent, deadLetters }) => say(link, `${agent} has made ${count(deadLetters, 'dead letter')} since its start`),
    );
  }

  async #list(): Promise<void> {
    const reason = this.#reason === null ? '' : `&reason=${encodeURIComponent(this.#reason)}`;
    const answer = await ask(`/v1/dead-letters?limit=${shown}${reason}`);
    if (!answer.ok) return;
    const { items } = (await answer.json()) as { readonly items: readonly LetterNow[] };
    const columns: readonly Column<LetterNow>[] = [
      { name: 'last seen', show: ({ lastSeen }) => clockTime(lastSeen) },
      { name: 'reason', show: ({ reason, times }) => (times > 1 ? `${reason} × ${whole(times)}` : reason) },
      {
        name: 'where',
        show: ({ stage, sink, publisher }) => [stage, sink, publisher].filter((each) => each !== null).join(' › '),
      },
      { name: 'what', show: ({ message }) => message },
      { name: '', show: () => '' },
    ];
    drawTable(this.#table, columns, items, ({ id }) => id, 'There are none.');
    for (const [index, row] of [...(this.#table.lastElementChild?.children ?? [])].entries()) {
      const letter = items[index];
      const cell = row.lastElementChild;
      if (letter === undefined || cell === null || cell.childElementCount > 0) continue;
      const button = el('button', { type: 'button', class: 'plain', 'aria-label': `Show dead letter ${letter.id}` }, 'show');
      button.addEventListener('click', () => void this.#show(letter.id));
      cell.replaceChildren(button);
    }
  }

  async #show(id: string): Promise<void> {
    const answer = await ask(`/v1/dead-letters/${encodeURIComponent(id)}`);
    if (!answer.ok) return;
    const { body, ...letter } = (await answer.json()) as WholeLetter;
    const facts = el(
      'dl',
      {},
      ...Object.entries(letter).flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, factText(name, value))]),
    );
    const text = 'text' in body ? pretty(body.text) : body.base64;
    const close = el('button', { type: 'button' }, 'Close');
    close.addEventListener('click', () => this.#dialog.close());
    const actions = [
      this.#can.has(retryPath) ? this.#action('Try again', retryPath, id) : null,
      this.#can.has(dropPath) ? this.#action('Drop', dropPath, id) : null,
    ];
    this.#dialog.replaceChildren(
      el('h2', { id: 'letter-title' }, `Dead letter: ${letter.reason}`),
      facts,
      el('pre', { tabindex: 0, 'aria-label': 'The body' }, text),
      el('p', { class: 'actions' }, ...actions, close),
    );
    this.#dialog.showModal();
  }

  #action(name: string, path: string, id: string): HTMLButtonElement {
    const button = el('button', { type: 'button' }, name);
    button.addEventListener('click', async () => {
      button.disabled = true;
      const answer = await ask(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ids: [id] }),
      });
      const told = (await answer.json()) as { readonly changed?: number; readonly leftOut?: object; readonly title?: string };
      this.#dialog.close();
      this.#said.dataset['answer'] = '';
      say(this.#said, `${name}: ${answerText(told)}`);
      this.#known = '';
    });
    return button;
  }
}

/** Who listens on all addresses is reached by the name of its machine. */
function reachable(admin: string, host: string): string {
  const url = new URL(admin);
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = host;
  return url.href;
}

function factText(name: string, value: unknown): string {
  if (value === null) return '–';
  if ((name === 'firstSeen' || name === 'lastSeen') && typeof value === 'number') return new Date(value).toISOString();
  if (name === 'bodyBytes' && typeof value === 'number') return bytes(value);
  return String(value);
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // not JSON, which is often why it is here
  }
}

function answerText({
  changed = 0,
  leftOut = {},
  title,
}: {
  readonly changed?: number;
  readonly leftOut?: object;
  readonly title?: string;
}): string {
  if (title !== undefined) return `refused, ${title}.`;
  const [why] = Object.keys(leftOut);
  return changed > 0
    ? `${count(changed, 'dead letter')}. What is through leaves the list.`
    : `not this one${why === undefined ? '' : `: ${why}`}.`;
}
