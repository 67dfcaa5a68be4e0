import type { HostList, HostNow } from '../admin/hosts.ts';
import { byId, el, keep, say, set } from './dom.ts';
import { count, duration, whole } from './format.ts';
import { sparkline } from './plot.ts';
import { ask } from './stream.ts';
import { type Cell, type Column, drawTable } from './table.ts';

const path = '/v1/hosts';
const shown = 50;
const everyMs = 5_000;
/** The agent reads all hosts for an answer: with very many of them it is asked less often. */
const share = 20;
const lately = 120;
const statuses = ['ok', 'pending', 'maintenance', 'problem', 'unreachable'] as const;
type Status = (typeof statuses)[number];
const tones: Readonly<Partial<Record<Status, 'critical' | 'warning' | 'quiet'>>> = {
  unreachable: 'critical',
  problem: 'critical',
  maintenance: 'quiet',
  pending: 'warning',
};

interface Group {
  readonly name: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly hosts: number;
}

/** Hosts that are expected to report, where the agent watches them: how many of each group are how, who is not well, and why. */
export class Hosts {
  readonly #place = byId('hosts');
  readonly #groups = el('ul', { class: 'groups' });
  readonly #table = el('table');
  /** Of each group, how many were down, one number a look; as long as the page is open. */
  readonly #past = new Map<string, number[]>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const scroll = el(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Hosts that are not well' },
      this.#table,
    );
    this.#place.append(this.#groups, scroll);
  }

  /** `paths`: what the agent can do, by its own description. */
  learn(paths: ReadonlySet<string>): void {
    const watched = paths.has(path);
    set(byId('hosts-section'), 'hidden', !watched);
    clearTimeout(this.#timer);
    if (watched) void this.#look();
  }

  async #look(): Promise<void> {
    const begun = performance.now();
    const answer = await ask(`${path}?troubled=true&limit=${shown}`).catch(() => null); // the connection says that it is lost
    if (answer?.ok === true) this.#draw((await answer.json()) as HostList);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), Math.max(everyMs, (performance.now() - begun) * share));
  }

  #draw({ total, byStatus, byGroup, items }: HostList): void {
    const words = statuses.flatMap((status) => (byStatus[status] === undefined ? [] : [`${whole(byStatus[status])} ${status}`]));
    say(byId('hosts-about'), total === 0 ? 'none is expected yet' : words.join(', '));
    const groups = Object.entries(byGroup)
      .map(([name, counts]): Group => ({ name, counts, hosts: Object.values(counts).reduce((sum, n) => sum + n, 0) }))
      .sort((a, b) => down(b) / b.hosts - down(a) / a.hosts || (a.name < b.name ? -1 : 1));
    for (const group of groups) this.#past.set(group.name, [...(this.#past.get(group.name) ?? []), down(group)].slice(-lately));
    keep(
      this.#groups,
      groups,
      ({ name }) => name,
      () => el('li', {}, el('b'), el('span', { class: 'states', 'aria-hidden': 'true' }), el('span', { class: 'n' }), el('span')),
      (item, group) => this.#drawGroup(item, group),
    );
    const at = Date.now();
    const columns: readonly Column<HostNow>[] = [
      { name: 'host', show: ({ host, address }) => ({ text: host, title: address }) },
      { name: 'status', show: statusOf },
      { name: 'for', number: true, show: ({ since }) => duration(at - Date.parse(since)) },
      { name: 'why', show: whyOf },
      { name: 'told', show: ({ told }) => ({ text: told ?? '', tone: 'quiet' }) },
      { name: 'group', show: ({ groups: all }) => ({ text: all.join(', '), tone: 'quiet' }) },
    ];
    drawTable(this.#table, columns, items, ({ host }) => host, total === 0 ? 'No host is expected.' : 'All hosts are well.');
  }

  #drawGroup(item: Element, group: Group): void {
    const [name, states, number, past] = item.children;
    say(name as Element, group.name === '' ? 'no group' : group.name);
    keep(
      states as Element,
      statuses.filter((status) => (group.counts[status] ?? 0) > 0),
      (status) => status,
      (status) => el('i', { class: status }),
      (part, status) => (part as HTMLElement).style.setProperty('--n', String(group.counts[status] ?? 0)),
    );
    const others = statuses
      .slice(1)
      .flatMap((status) => (group.counts[status] ? [`${whole(group.counts[status])} ${status}`] : []));
    say(number as Element, `${count(group.hosts, 'host')}${others.length === 0 ? '' : `: ${others.join(', ')}`}`);
    const values = this.#past.get(group.name) ?? [];
    (past as Element).replaceChildren(...(values.some((n) => n > 0) && values.length > 1 ? [sparkline(values)] : []));
  }
}

function down({ counts }: Group): number {
  return (counts['unreachable'] ?? 0) + (counts['problem'] ?? 0);
}

function statusOf({ status, flapping }: HostNow): Cell {
  const tone = tones[status as Status];
  return { text: flapping ? `${status}, flapping` : status, ...(tone === undefined ? {} : { tone }) };
}

/** The reason, and which services are late for how long. */
function whyOf({ reason, services, triggers, maintainedUntil }: HostNow): Cell {
  const late = services
    .filter(({ lateSince }) => lateSince !== null)
    .map(
      ({ service, silentSeconds }) =>
        `${service} ${silentSeconds === null ? 'never reported' : `silent for ${duration(silentSeconds * 1_000)}`}`,
    );
  const fired = triggers.filter(({ firedSince }) => firedSince !== null).map(({ trigger }) => trigger);
  const until = maintainedUntil === null ? [] : [`until ${maintainedUntil.slice(0, 16).replace('T', ' ')}`];
  const details = [...until, ...late, ...fired];
  return { text: details.length === 0 ? reason : `${reason === '' ? '' : `${reason}: `}${details.join(', ')}` };
}
