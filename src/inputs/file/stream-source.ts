import type { Readable } from 'node:stream';
import { LineFramer } from '../../lib/line-framing.ts';
import { orAborted } from '../../lib/or-aborted.ts';
import { bodyOf, type LineSource, type SourceLine } from './line-source.ts';

/** Standard input or any other stream: read once, never again. Chunks are taken only when asked for, so a pipe's writer waits. */
export class StreamSource implements LineSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #framer: LineFramer;
  readonly #maxBytes: number;
  #ended = false;

  constructor(stream: Readable, maxLineBytes: number) {
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    this.#framer = new LineFramer(maxLineBytes);
    this.#maxBytes = maxLineBytes;
  }

  async read(signal: AbortSignal): Promise<readonly SourceLine[]> {
    while (!this.#ended) {
      const chunk = await orAborted(this.#chunks.next(), signal);
      this.#ended = chunk.done === true;
      const lines = chunk.done === true ? this.#framer.end() : this.#framer.push(chunk.value);
      if (lines.length > 0)
        return lines.map((line) => ({ body: bodyOf(line, this.#maxBytes), number: line.number, position: undefined }));
    }
    return [];
  }

  async close(): Promise<void> {
    this.#ended = true;
  }
}
