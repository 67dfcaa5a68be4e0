import { access, constants } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { packEntry } from '../../core/spool/entry.ts';
import { itemNotification } from '../../core/spool/notification.ts';
import type { Clock } from '../../lib/clock.ts';
import { Fault } from '../../model/faults.ts';
import { itemId } from '../../model/item.ts';
import { openSpoolPlace } from '../../services/spooler/spool-place.ts';
import { type Batch, PartialFault, type Publisher, type PublisherKind } from '../publisher.ts';
import { handedPlace, type Place } from './handed-place.ts';
import { type SpoolParameters, summary } from './schema.ts';

/** Accepted means on the disk of this site; that it reaches the other one is then the spooler's matter. */
export const spool: PublisherKind<SpoolParameters> = {
  name: 'spool',
  summary,
  open: async (parameters, context) => {
    if (context.hand !== undefined) return new SpoolPublisher(parameters, context.clock, handedPlace(context.hand), '');
    const given = parameters.data_dir === undefined ? context.dataDir : resolve(context.baseDir, parameters.data_dir);
    if (given === undefined) throw new Fault('fatal', 'no_data_dir', 'the publisher spool needs a data_dir');
    if (context.onlyToProbe === true) return new SpoolProbe(given);
    return new SpoolPublisher(parameters, context.clock, await openSpoolPlace({ dataDir: given, clock: context.clock }), given);
  },
};

/** Finds out whether a folder could be written, and makes none. */
class SpoolProbe implements Publisher {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  publish(): Promise<void> {
    return Promise.reject(new Error('opened to be probed only'));
  }

  async probe(): Promise<void> {
    for (let path = join(this.#directory, 'spool'); ; path = dirname(path)) {
      const fault = await access(path, constants.W_OK).then(
        () => undefined,
        (error: NodeJS.ErrnoException) => error,
      );
      if (fault === undefined) return;
      if (fault.code !== 'ENOENT' || path === dirname(path))
        throw new Fault('retryable', 'cannot_spool', `cannot write ${path}: ${fault.code}`, { cause: fault });
    }
  }

  async close(): Promise<void> {}
}

class SpoolPublisher implements Publisher {
  readonly #parameters: SpoolParameters;
  readonly #clock: Clock;
  readonly #place: Place;
  readonly #probe: SpoolProbe;
  #closed: Promise<void> | undefined;

  constructor(parameters: SpoolParameters, clock: Clock, place: Place, directory: string) {
    this.#parameters = parameters;
    this.#clock = clock;
    this.#place = place;
    this.#probe = new SpoolProbe(directory);
  }

  async publish(batch: Batch): Promise<void> {
    const { deliver } = this.#parameters;
    const { site, maxNotificationBytes } = this.#place.agreed();
    const tooLarge = new Map<number, string>();
    const entries: { readonly id: string; readonly entry: Uint8Array }[] = [];
    for (const [index, item] of batch.items.entries()) {
      const id = itemId(item);
      const entry = packEntry({ uuid: id, site, hops: 0, atMs: this.#clock.now(), context: itemNotification(item, site) });
      if (entry.length > maxNotificationBytes)
        tooLarge.set(index, `too_large: ${entry.length} bytes, the spooler takes ${maxNotificationBytes}`);
      else entries.push({ id, entry });
    }
    if (deliver !== 'remote')
      await this.#place.arrivals.take(entries.map(({ id, entry }) => ({ id, tag: 'ceilograph', peer: site, entry })));
    if (deliver !== 'local') await this.#place.spool.put(entries.map(({ entry }) => entry));
    if (tooLarge.size > 0) throw new PartialFault(tooLarge);
  }

  probe(): Promise<void> {
    return this.#probe.probe();
  }

  close(): Promise<void> {
    this.#closed ??= this.#place.close();
    return this.#closed;
  }
}
