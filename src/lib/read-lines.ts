import { type Line, LineFramer } from './line-framing.ts';

/** The lines of a stream in order, one at a time, so that a reader that is slow slows the stream. */
export async function* readLines(stream: AsyncIterable<Uint8Array | string>, maxBytes: number): AsyncGenerator<Line> {
  const framer = new LineFramer(maxBytes);
  for await (const chunk of stream) yield* framer.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  yield* framer.end();
}
