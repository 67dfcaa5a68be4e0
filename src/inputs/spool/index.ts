import { orAborted } from '../../lib/or-aborted.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { Fault } from '../../model/faults.ts';
import type { ArrivalRow } from '../../services/spooler/arrivals.ts';
import { openSpoolPlace, type SpoolPlace } from '../../services/spooler/spool-place.ts';
import type { Delivery, Input, InputContext, InputKind } from '../input.ts';
import { type SpoolInputParameters, summary } from './schema.ts';
import { toBody } from './to-body.ts';

export const spool: InputKind<SpoolInputParameters> = {
  name: 'spool',
  summary,
  async open({ prefetch }, context) {
    if (context.dataDir === undefined) throw new Fault('fatal', 'no_data_dir', 'the input spool reads from a data directory');
    return new SpoolInput(prefetch, context, await openSpoolPlace({ dataDir: context.dataDir, clock: context.clock }));
  },
};

const pollMs = 50;

/**
 * Reads what arrived from the disk, where the spooler put it before it acknowledged it. A row goes once its notification is settled; what was
 * not settled comes again after a restart.
 */
class SpoolInput implements Input {
  readonly #context: InputContext;
  readonly #place: SpoolPlace;
  readonly #permits: Semaphore;
  #after = 0;
  #again: ArrivalRow[] = [];
  #settled: number[] = [];
  #removing: Promise<void> = Promise.resolve();
  #scheduled = false;
  #closed: Promise<void> | undefined;

  constructor(prefetch: number, context: InputContext, place: SpoolPlace) {
    this.#permits = new Semaphore(prefetch);
    this.#context = context;
    this.#place = place;
  }

  async run(): Promise<void> {
    const { soft, hard, report, clock, deliver } = this.#context;
    const leave = AbortSignal.any([soft, hard]);
    report({ kind: 'connected', detail: 'spool' });
    while (!leave.aborted) {
      const deliveries = await this.#next(leave);
      if (deliveries.length > 0) await orAborted(deliver(deliveries), hard).catch(unlessAborted(hard));
      else await clock.sleep(pollMs, leave).catch(unlessAborted(leave));
    }
    await this.#permits.idle(hard).catch(unlessAborted(hard));
    await this.prove();
  }

  /** A row that is removed is gone: nothing settled before can come again. */
  async prove(): Promise<void> {
    this.#flush();
    await this.#removing;
  }

  async sendCanary(): Promise<boolean> {
    return false; // our senders are other sites; the listener's own progress stands in
  }

  close(): Promise<void> {
    this.#closed ??= this.prove().finally(() => this.#place.close());
    return this.#closed;
  }

  async #next(leave: AbortSignal): Promise<Delivery[]> {
    const room = await this.#permits.acquireUpTo(this.#permits.total, leave).catch(() => 0); // 0: we are leaving
    const again = this.#again.splice(0, room);
    const fresh = again.length < room ? this.#place.arrivals.read(this.#after, room - again.length) : [];
    this.#after = fresh.at(-1)?.seq ?? this.#after;
    this.#permits.release(room - again.length - fresh.length);
    return [...again.map((row) => this.#deliveryOf(row, true)), ...fresh.map((row) => this.#deliveryOf(row, false))];
  }

  #deliveryOf(row: ArrivalRow, redelivered: boolean): Delivery {
    let open = true;
    const finish = (what: () => void) => () => {
      if (!open) return;
      open = false;
      what();
      this.#permits.release();
    };
    return {
      body: toBody(row),
      origin: `spool:${row.peer}:${row.id}`,
      priority: 'info',
      redelivered,
      settle: finish(() => this.#settle(row.seq)),
      giveBack: finish(() => this.#again.push(row)),
    };
  }

  #settle(seq: number): void {
    this.#settled.push(seq);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#settled.length === 0 || this.#closed !== undefined) return;
    const seqs = this.#settled;
    this.#settled = [];
    this.#removing = this.#removing.then(() => this.#place.arrivals.remove(seqs));
    this.#removing.catch(() => undefined); // `run` and `prove` tell it; the rows stand and come again
  }
}

const unlessAborted = (signal: AbortSignal) => (thrown: unknown) => {
  if (!signal.aborted) throw thrown;
};
