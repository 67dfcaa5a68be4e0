import type { HostDefinition } from '../../../src/core/liveness/host-definition.ts';
import { itemSources, livenessItem } from '../../../src/core/liveness/items.ts';
import { liveness } from '../../../src/core/liveness/liveness.ts';
import { factsIn } from '../../../src/core/liveness/lots.ts';
import { defaultSettings, type LivenessSettings } from '../../../src/core/liveness/settings.ts';
import { type Chain, createChain } from '../../../src/core/transformers/chain.ts';
import type { Event } from '../../../src/model/event.ts';
import type { Item } from '../../../src/model/item.ts';
import type { JsonObject } from '../../../src/model/json.ts';

export interface Told {
  readonly kind: string;
  readonly host: string;
  readonly status: number;
  readonly was: number;
  readonly reason: string;
  readonly incident: string;
  readonly service?: string | undefined;
  readonly attached?: readonly string[] | undefined;
  readonly silentMs?: number | undefined;
  readonly allowedMs?: number | undefined;
  readonly trigger?: string | undefined;
}

export function hostWith(
  host: string,
  services: Readonly<Record<string, number>>,
  more: Partial<HostDefinition> = {},
): HostDefinition {
  return {
    host,
    address: '10.0.0.1',
    groups: ['all'],
    parents: [],
    services: Object.entries(services).map(([name, interval]) => ({
      name,
      intervalMs: interval * 1_000,
      toleranceMs: 10_000,
      downAfter: 1,
    })),
    triggers: [],
    maintenance: [],
    ...more,
  };
}

/** One partition of hosts on a clock of seconds. Partition time and wall clock go together unless a test says otherwise. */
export class World {
  readonly told: (Told & { readonly second: number; readonly id: string })[] = [];
  readonly dropped = new Map<string, number>();
  /** The partition's second. */
  second = 0;
  /** Added to the wall clock alone. */
  wallMs = 1_800_000_000_000;
  readonly #settings: LivenessSettings;
  #chain: Chain;
  #stored = new Map<string, string>();
  #n = 0;

  constructor(settings: Partial<LivenessSettings> = {}) {
    this.#settings = { ...defaultSettings, slackMs: 0, ...settings };
    this.#chain = this.#newChain();
  }

  #newChain(): Chain {
    return createChain({ cluster: 'c', sink: 'hosts', steps: [{ transformer: liveness, parameters: this.#settings }] });
  }

  get #time() {
    return { partition: this.second * 1_000, watermark: 0, now: this.wallMs + this.second * 1_000 };
  }

  tick(): void {
    this.#collect(this.#chain.advance(this.#time).out);
  }

  /** Ticks every second until then, that second included. */
  until(second: number): void {
    while (this.second < second) {
      this.second += 1;
      this.tick();
    }
  }

  #give(item: Item): void {
    this.#n += 1;
    const { out, dropped, letters } = this.#chain.applyNotification(`n${this.#n}`, [item], this.#time);
    if (letters.length > 0) throw new Error(letters[0]?.message);
    for (const { reason, count } of dropped) this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count);
    this.#collect(out);
  }

  define(definition: HostDefinition): void {
    this.#item(itemSources.host, definition.host, '', definition as unknown as JsonObject);
  }

  roster(hosts: readonly string[]): void {
    this.#item(itemSources.roster, '', '', { hosts });
  }

  report(host: string, service: string, data: JsonObject = {}): void {
    this.#item(itemSources.report, host, service, data);
  }

  /** As one item. */
  reportAll(host: string, services: readonly string[]): void {
    this.#item(itemSources.reports, host, '', Object.fromEntries(services.map((service) => [service, {}])));
  }

  maintain(host: string, untilWall: number): void {
    this.#item(itemSources.maintain, host, '', { until: untilWall });
  }

  #item(source: (typeof itemSources)[keyof typeof itemSources], host: string, name: string, data: JsonObject): void {
    this.#give(livenessItem(source, host, name, data, `i${this.#n}`, this.#time.now));
  }

  /** Ticks that find an input late: the wall clock goes on, partition time does not. */
  stand(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.wallMs += 1_000;
      this.tick();
    }
  }

  /** Stores what changed, and goes on as another process. */
  restart(): void {
    const { set, del } = this.#chain.takeDirty();
    for (const key of del) this.#stored.delete(key);
    for (const [key, value] of set) this.#stored.set(key, value);
    this.#chain = this.#newChain();
    this.#chain.load([...this.#stored]);
    this.#chain.resume(this.#time);
  }

  get stored(): ReadonlyMap<string, string> {
    return this.#stored;
  }

  #collect(out: readonly Item[]): void {
    for (const item of out as readonly Event[]) {
      const facts = item.raw['kind'] === 'feed' ? [item.raw as unknown as Told] : factsIn(item);
      for (const [i, fact] of facts.entries()) this.told.push({ ...fact, second: this.second, id: `${item.message_id}/${i}` });
    }
  }

  /** `312 down 1->3 uptime_late` */
  get lines(): string[] {
    return this.told.map(({ second, kind, was, status, reason, service, trigger }) =>
      [second, kind, `${was}->${status}`, reason, service ?? trigger].filter((part) => part !== undefined).join(' '),
    );
  }
}
