import type { MailNow, Overview, SpoolNow } from '../admin/overview.ts';
import { byId, el, say, set } from './dom.ts';
import { bytes, count, duration, whole } from './format.ts';
import { type Column, drawTable } from './table.ts';

/** What only some agents have: hidden where there is none. */
export function drawPanels(now: Overview): void {
  set(byId('mail-section'), 'hidden', now.mail === null);
  set(byId('spool-section'), 'hidden', now.spool === null);
  if (now.mail !== null) drawMail(byId('mail'), now.mail);
  if (now.spool !== null) drawSpool(byId('spool'), now.spool, now.at);
}

function drawMail(place: HTMLElement, { states, bytes: size, fill, oldestSeconds, digestLines, servers }: MailNow): void {
  const [words, table] = parts(place);
  const waiting = Object.entries(states).map(([state, n]) => `${whole(n)} ${state}`);
  const about =
    waiting.length === 0 ? 'Nothing waits.' : `${waiting.join(', ')}; the oldest for ${duration(oldestSeconds * 1000)}.`;
  const digest = digestLines === 0 ? '' : ` ${count(digestLines, 'mail')} gathered for a digest.`;
  say(words, `${about}${digest} ${bytes(size)}, ${whole(fill * 100)} % of its bound.`);
  const columns: readonly Column<MailNow['servers'][number]>[] = [
    { name: 'server', show: ({ name }) => name },
    {
      name: 'state',
      show: ({ away, alarm }) =>
        alarm !== null
          ? { text: alarm, tone: 'critical' }
          : away
            ? { text: 'left alone', tone: 'warning' }
            : { text: 'well', tone: 'good' },
    },
  ];
  drawTable(table, columns, servers, ({ name }) => name, 'No server was tried yet.');
}

function drawSpool(place: HTMLElement, spool: SpoolNow, at: number): void {
  const [words, table] = parts(place);
  const listening = spool.listening === null ? 'does not listen' : `listens on ${spool.listening}`;
  say(
    words,
    `${spool.site}, ${spool.role}, ${listening}. ${whole(spool.waiting)} wait, ${whole(spool.deferred)} deferred, ${whole(spool.corrupted)} corrupted, ${whole(spool.arrived)} arrived.`,
  );
  const tones: Readonly<Record<string, 'good' | 'warning'>> = { established: 'good', cooldown: 'warning' };
  const columns: readonly Column<SpoolNow['connections'][number]>[] = [
    { name: 'site', show: ({ peer, address }) => peer ?? address },
    {
      name: 'state',
      show: ({ state, message }) => ({
        text: state,
        ...(tones[state] === undefined ? {} : { tone: tones[state] }),
        title: message ?? '',
      }),
    },
    { name: 'for', number: true, show: ({ since }) => duration(at - since) },
    { name: 'sent', number: true, show: ({ sent }) => whole(sent) },
    { name: 'received', number: true, show: ({ received }) => whole(received) },
    { name: 'waiting', number: true, show: ({ pending }) => whole(pending) },
  ];
  drawTable(table, columns, spool.connections, ({ address, type }) => `${type} ${address}`, 'No other site is connected.');
}

function parts(place: HTMLElement): [HTMLElement, HTMLElement] {
  if (place.childElementCount === 0) place.append(el('p'), el('table'));
  return [place.firstElementChild as HTMLElement, place.lastElementChild as HTMLElement];
}
