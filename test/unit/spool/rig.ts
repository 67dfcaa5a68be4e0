import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packEntry } from '../../../src/core/spool/entry.ts';
import { SpoolerSchema } from '../../../src/core/spool/settings.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import type { Secrets } from '../../../src/services/spooler/secrets.ts';
import { openSpoolPlace, type SpoolPlace } from '../../../src/services/spooler/spool-place.ts';
import { Spooler, type SpoolerEvent } from '../../../src/services/spooler/spooler.ts';

/** One site: its folder, and its spooler while it runs. */
export class Site {
  readonly dataDir: string;
  readonly name: string;
  readonly events: SpoolerEvent[] = [];
  place: SpoolPlace;
  spooler: Spooler | undefined;
  beforeTransaction: () => Promise<void> | void = () => {};
  #clock: Clock;
  #soft = new AbortController();
  #hard = new AbortController();
  #running: Promise<void> = Promise.resolve();

  private constructor(name: string, dataDir: string, place: SpoolPlace, clock: Clock) {
    this.name = name;
    this.dataDir = dataDir;
    this.place = place;
    this.#clock = clock;
  }

  static async make(name: string, clock: Clock = systemClock, settings: Record<string, unknown> = {}): Promise<Site> {
    const dataDir = await mkdtemp(join(tmpdir(), 'spool-'));
    const hook: { current: () => Promise<void> | void } = { current: () => {} };
    const place = await openSpoolPlace({
      dataDir,
      clock,
      settings: SpoolerSchema.parse({ site: name, ...settings }),
      beforeTransaction: () => hook.current(),
    });
    const site = new Site(name, dataDir, place, clock);
    hook.current = () => site.beforeTransaction();
    return site;
  }

  start(settings: Record<string, unknown>, secrets: Partial<Secrets> = {}): Spooler {
    this.#soft = new AbortController();
    this.#hard = new AbortController();
    const spooler = new Spooler({
      settings: SpoolerSchema.parse({ site: this.name, ...settings }),
      secrets: { key: 'secret', serverTls: undefined, clientTls: new Map(), ...secrets },
      place: this.place,
      clock: this.#clock,
      random: () => 0,
      report: (event) => this.events.push(event),
    });
    this.spooler = spooler;
    this.#running = spooler.run(this.#soft.signal, this.#hard.signal);
    this.#running.catch(() => undefined);
    return spooler;
  }

  /** The port that it listens on. */
  async port(): Promise<number> {
    return await until(() => {
      const listening = this.spooler?.listening;
      return listening !== undefined && 'port' in listening ? listening.port : undefined;
    });
  }

  /** At once, as if it were killed: nothing on its way is waited for. */
  async kill(): Promise<void> {
    this.#hard.abort(new Error('killed'));
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#soft.abort(new Error('stopped'));
    await this.#running;
  }

  async close(): Promise<void> {
    await this.kill().catch(() => undefined);
    await this.place.close();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  put(...uuids: readonly string[]): Promise<void> {
    return this.place.spool.put(uuids.map((uuid) => packEntry(entryOf(uuid, this.name))));
  }

  /** Ids that arrived, in order. */
  arrived(): readonly string[] {
    return this.place.arrivals.read(0, 1_000_000).map((row) => row.id);
  }
}

export const entryOf = (uuid: string, site = 'east') => ({
  uuid,
  site,
  hops: 0,
  atMs: 1_700_000_000_000,
  context: { message_id: uuid, event_type: 'test', payload: { n: 1 } },
});

/** Waits for a condition with real time in between, and says what it waited for. */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 15_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not so within ${withinMs} ms: ${look}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const uuids = (count: number, prefix = 'n'): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
