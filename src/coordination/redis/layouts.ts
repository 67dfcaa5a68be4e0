import { str } from '../../lib/redis-reply.ts';
import type { Layout } from '../group.ts';
import type { GroupParts } from './redis-group.ts';
import { putLayout, readLayouts } from './scripts/agreements.ts';

/**
 * The layout of each sink. The store decides by compare-and-set which one stands; the bus is told after it, so that listeners know it
 * without Redis. Who died between the two is made up for by the next one who asks.
 */
export class Layouts {
  readonly #parts: GroupParts;

  constructor(parts: GroupParts) {
    this.#parts = parts;
  }

  async propose(sink: string, layout: Layout): Promise<Layout> {
    const stands = await this.#put(sink, '', layout);
    await this.#tellBus(sink, stands);
    return stands;
  }

  async advance(sink: string, fromGeneration: number, layout: Layout): Promise<boolean> {
    if (layout.generation !== fromGeneration + 1) return false;
    const stored = (await this.#texts()).get(sink);
    if (stored === undefined) return false;
    const before = parse(stored);
    const stands = before.generation === fromGeneration ? await this.#put(sink, stored, layout) : before;
    if (stands.generation !== layout.generation || stands.uuid !== layout.uuid) return false;
    await this.#tellBus(sink, stands);
    return true;
  }

  async all(): Promise<Readonly<Record<string, Layout>>> {
    return Object.fromEntries([...(await this.#texts())].map(([sink, text]) => [sink, parse(text)]));
  }

  async #put(sink: string, expected: string, layout: Layout): Promise<Layout> {
    const { standing, keys } = this.#parts;
    const { values } = await standing.run(putLayout, [keys.layouts], () => [sink, expected, JSON.stringify(layout)]);
    return parse(str(values[0]));
  }

  async #texts(): Promise<ReadonlyMap<string, string>> {
    const { standing, keys } = this.#parts;
    const { values } = await standing.run(readLayouts, [keys.layouts], () => []);
    const texts = new Map<string, string>();
    for (let i = 0; i + 1 < values.length; i += 2) texts.set(str(values[i]), str(values[i + 1]));
    return texts;
  }

  async #tellBus(sink: string, layout: Layout): Promise<void> {
    const { control, standing } = this.#parts;
    if (control === null) return;
    const known = (await control.read())?.layouts[sink];
    if (known !== undefined && known.generation >= layout.generation) return;
    const { clusterId, incarnation } = await standing.known();
    await control.update((current) => {
      const record = current ?? { clusterId, incarnation, epochFloor: 0, layouts: {} };
      const later = (record.layouts[sink]?.generation ?? 0) >= layout.generation;
      return later ? record : { ...record, layouts: { ...record.layouts, [sink]: layout } };
    });
  }
}

function parse(text: string): Layout {
  return JSON.parse(text) as Layout;
}
