import { describe, expect, it } from 'vitest';
import { type AnnounceSettings, announce, defaultAnnounce } from '../../../src/core/liveness/announce.ts';
import { itemSources, livenessItem, transitionEvent } from '../../../src/core/liveness/items.ts';
import { type Chain, createChain } from '../../../src/core/transformers/chain.ts';
import type { Event } from '../../../src/model/event.ts';
import type { Item } from '../../../src/model/item.ts';
import type { JsonObject } from '../../../src/model/json.ts';

const wall = 1_800_000_000_000;

class Desk {
  second = 0;
  readonly said: string[] = [];
  readonly events: Event[] = [];
  readonly dropped = new Map<string, number>();
  readonly #settings: AnnounceSettings;
  #chain: Chain;
  #seq = 0;
  readonly #stored = new Map<string, string>();

  constructor(settings: Partial<AnnounceSettings> = {}, fleet: JsonObject = { total: 1000, groups: { web: 100, db: 20 } }) {
    this.#settings = { ...defaultAnnounce, ...settings };
    this.#chain = this.#newChain();
    this.#give(livenessItem(itemSources.fleet, '', '', fleet, 'f', this.#time.now));
  }

  #newChain(): Chain {
    return createChain({ cluster: 'c', sink: 'said', steps: [{ transformer: announce, parameters: this.#settings }] });
  }

  get #time() {
    return { partition: this.second * 1_000, watermark: 0, now: wall + this.second * 1_000 };
  }

  #give(item: Item): void {
    const { out, dropped, letters } = this.#chain.applyNotification(`n${this.#seq}`, [item], this.#time);
    if (letters.length > 0) throw new Error(letters[0]?.message);
    for (const { reason, count } of dropped) this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count);
    this.#collect(out);
  }

  hear(kind: string, host: string, more: JsonObject = {}): void {
    this.#seq += 1;
    const now = this.#time.now;
    const facts = {
      host,
      born: 1,
      address: '10.0.0.1',
      groups: ['web'],
      parents: [],
      kind,
      seq: this.#seq,
      at: now,
      since: now,
      began: now,
    };
    const status = { status: kind === 'up' || kind === 'back' ? 1 : 3, was: 1, reason: 'uptime_late', incident: `${host}/1` };
    this.#give(transitionEvent(kind, { ...facts, ...status, ...more }, now));
  }

  silence(id: string, match: string, until: number): void {
    const row = { id, match, author: 'ann', comment: 'work', from: 0, until: wall + until * 1_000 };
    this.#give(livenessItem(itemSources.silence, id, '', row, id, this.#time.now));
  }

  until(second: number): void {
    while (this.second < second) {
      this.second += 1;
      this.#collect(this.#chain.advance(this.#time).out);
    }
  }

  /** The keys that had changed. */
  restart(): readonly string[] {
    const { set, del } = this.#chain.takeDirty();
    for (const key of del) this.#stored.delete(key);
    for (const [key, value] of set) this.#stored.set(key, value);
    this.#chain = this.#newChain();
    this.#chain.load([...this.#stored]);
    this.#chain.resume(this.#time);
    return [...del, ...set.map(([key]) => key)];
  }

  #collect(out: readonly Item[]): void {
    for (const item of out as Event[]) {
      this.events.push(item);
      const trait = (name: string) => item.traits.find(([each]) => each === name)?.[2];
      this.said.push(`${this.second} ${item.event_type} ${trait('host')}${trait('phase') === 'reminder' ? ' again' : ''}`);
    }
  }
}

const hosts = (count: number, prefix = 'w') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

describe('the desk that announces', () => {
  it('holds a host that is down, tells of it, and of its return at once', () => {
    const desk = new Desk();
    desk.hear('down', 'a');
    desk.until(100);
    desk.hear('up', 'a');

    expect(desk.said).toEqual(['30 host.down a', '100 host.up a']);
    const [down, up] = desk.events.map(({ traits }) => Object.fromEntries(traits.map(([name, , value]) => [name, value])));
    expect(down).toMatchObject({ incident_id: 'a/1', phase: 'down', reason: 'uptime_late', status: 'unreachable' });
    expect(up).toMatchObject({ incident_id: 'a/1', phase: 'up' });
  });

  it('says nothing of a host that is back before its hold is over', () => {
    const desk = new Desk();
    desk.hear('down', 'a');
    desk.until(29);
    desk.hear('up', 'a');
    desk.until(100);

    expect(desk.said).toEqual([]);
    expect(desk.dropped.get('back_in_time')).toBe(1);
  });

  it('makes one of many that go down together, and one of each lot that comes back', () => {
    const desk = new Desk();
    for (const host of hosts(20)) desk.hear('down', host);
    desk.hear('down', 'lonely', { groups: ['db'] });
    desk.until(60);
    for (const host of hosts(15)) desk.hear('up', host);
    desk.until(120);
    for (const host of hosts(20).slice(15)) desk.hear('up', host);
    desk.until(200);

    expect(desk.said).toEqual([
      '30 host.down hosts of web',
      '30 host.down lonely',
      '90 host.up hosts of web',
      '150 host.up hosts of web',
    ]);
    const counts = desk.events.map(({ traits }) => traits.find(([name]) => name === 'still_down')?.[2]);
    expect(counts).toEqual([20, undefined, 5, 0]);
    expect(new Set(desk.events.map(({ message_id }) => message_id)).size).toBe(4);
  });

  it('tells of a storm with one row written, and knows over a restart who is in it', () => {
    const desk = new Desk();
    for (const host of hosts(50)) desk.hear('down', host);
    desk.until(29);
    desk.restart();
    desk.until(30);
    desk.hear('down', 'later');
    const written = desk.restart();
    desk.until(65);
    for (const host of hosts(50)) desk.hear('up', host);
    desk.hear('up', 'later');
    desk.until(200);

    expect(written.filter((key) => key.includes('/h:') || key.includes('/g:'))).toHaveLength(2);
    expect(desk.said).toEqual(['30 host.down hosts of web', '60 host.down later', '65 host.up later', '95 host.up hosts of web']);
  });

  it('tells by itself of a host whose silence ends while a storm is young', () => {
    const desk = new Desk();
    desk.silence('quiet', 'x', 40);
    for (const host of [...hosts(19), 'x']) desk.hear('down', host);
    desk.until(28);
    desk.hear('down', 'w19');
    desk.until(100);
    desk.hear('up', 'x');

    expect(desk.said).toEqual(['30 host.down hosts of web', '40 host.down x', '100 host.up x']);
  });

  it('says the same when it is started again every second of a storm', () => {
    const told = (restarts: boolean) => {
      const desk = new Desk();
      const until = (second: number) => {
        while (desk.second < second) {
          desk.until(desk.second + 1);
          if (restarts) desk.restart();
        }
      };
      for (const host of hosts(30)) {
        desk.hear('down', host, { groups: [desk.second < 2 ? 'web' : 'db'] });
        if (host.endsWith('9')) until(desk.second + 1);
      }
      until(34);
      for (const host of hosts(30).slice(5)) desk.hear('up', host);
      until(40);
      for (const host of hosts(12).slice(6)) desk.hear('down', host);
      until(120);
      for (const host of hosts(12)) desk.hear('up', host);
      until(200);
      return desk.events.map(({ message_id, traits }) => [message_id, traits]);
    };

    expect(told(true)).toEqual(told(false));
    expect(told(true).length).toBeGreaterThan(3);
  });

  it('makes one of all groups when it is many of all hosts', () => {
    const desk = new Desk({}, { total: 50, groups: { web: 25, db: 25 } });
    for (const host of hosts(6)) desk.hear('down', host);
    for (const host of hosts(6, 'd')) desk.hear('down', host, { groups: ['db'] });
    desk.until(40);

    expect(desk.said).toEqual(['30 host.down many hosts']);
  });

  it('attaches hosts to the router they are reached through, and tells of who is still down when it is back', () => {
    const desk = new Desk();
    desk.hear('down', 'router');
    desk.hear('down', 'a', { parents: ['router'] });
    desk.hear('down', 'b', { parents: ['router'] });
    desk.until(60);
    desk.hear('up', 'router');
    desk.hear('up', 'a');
    desk.until(120);

    expect(desk.said).toEqual(['30 host.down router', '60 host.up router', '90 host.down b']);
  });

  it('keeps quiet about what is silenced, and tells of it when the silence is over', () => {
    const desk = new Desk();
    desk.silence('s1', 'a*', 100);
    desk.hear('down', 'a1');
    desk.hear('down', 'a2');
    desk.hear('late', 'a3', { service: 'cpu' });
    desk.until(50);
    desk.hear('up', 'a1');
    desk.hear('back', 'a3', { service: 'cpu' });
    desk.until(200);

    expect(desk.said).toEqual(['100 host.down a2']);
  });

  it('reminds of what lasts', () => {
    const desk = new Desk({ remindMs: 100_000 });
    desk.hear('down', 'a');
    desk.until(235);

    expect(desk.said).toEqual(['30 host.down a', '130 host.down a again', '230 host.down a again']);
  });

  it('tells of services and triggers at once, and of their end to who was told', () => {
    const desk = new Desk();
    desk.hear('late', 'a', { service: 'cpu', silentMs: 71_000, allowedMs: 70_000 });
    desk.hear('fired', 'a', { trigger: 'load', severity: 'high' });
    desk.hear('back', 'a', { service: 'cpu' });
    desk.hear('cleared', 'a', { trigger: 'load' });
    desk.hear('back', 'a', { service: 'never told' });

    expect(desk.said).toEqual(['0 service.late a', '0 trigger.fired a', '0 service.back a', '0 trigger.cleared a']);
    const late = Object.fromEntries((desk.events[0] as Event).traits.map(([name, , value]) => [name, value]));
    expect(late).toMatchObject({ host: 'a', address: '10.0.0.1', service: 'cpu', silent_seconds: 71, allowed_seconds: 70 });
  });

  it('knows what it has heard however much later it comes again, over a restart too', () => {
    const desk = new Desk();
    desk.hear('down', 'a', { seq: 7 });
    desk.until(40);
    desk.restart();
    desk.until(4_000);
    desk.hear('down', 'a', { seq: 7 });
    desk.until(4_100);

    expect(desk.said).toEqual(['30 host.down a']);
    expect(desk.dropped.get('repeated')).toBe(1);
  });
});
