import { basename } from 'node:path';
import type { SinkConfig } from '../../config/sink-config.ts';
import { itemLines } from '../../core/convert/wire.ts';
import { itemId } from '../../model/item.ts';
import type { ReplayOutput } from '../../pipeline/replay.ts';

/** What a replay says should stand in the files of the `file` publishers: by file name and id, as `readOutputs` reads them. */
export class ExpectedOutputs {
  readonly #files: ReadonlyMap<string, readonly string[]>;
  /** What must come. */
  readonly outputs = new Map<string, string>();
  /** What comes when more time passes. */
  readonly #later = new Map<string, string>();
  #target = this.outputs;

  constructor(sinks: readonly SinkConfig[]) {
    this.#files = new Map(
      sinks.map((sink) => [
        sink.sink,
        sink.publish.flatMap((target) => (target.kind === 'file' ? basename((target.parameters as { path: string }).path) : [])),
      ]),
    );
  }

  add({ sink, items }: ReplayOutput): void {
    for (const item of items) {
      const line = itemLines([item]).trimEnd();
      for (const file of this.#files.get(sink) ?? []) this.#target.set(`${file}\t${itemId(item)}`, line);
    }
  }

  /** From here on outputs are right if they come, and not missed if they do not. */
  restMayCome(): void {
    this.#target = this.#later;
  }

  /** What must come, and of the rest what did. */
  with(actual: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    return new Map([...this.outputs, ...[...this.#later].filter(([key]) => actual.has(key))]);
  }
}
