import { Writable } from 'node:stream';
import { classify, Fault } from '../../model/faults.ts';
import type { Hand, Publisher, PublisherKind } from '../publisher.ts';
import { type StdoutParameters, summary } from './schema.ts';

export const stdout: PublisherKind<StdoutParameters> = {
  name: 'stdout',
  summary,
  open: async (_, { hand }) => openStdout(hand === undefined ? process.stdout : handed(hand)),
};

function handed(hand: Hand): Writable {
  return new Writable({
    write: (bytes: Buffer, _encoding, done) => {
      hand({ to: {}, body: bytes.toString() }).then(() => done(), done);
    },
  });
}

/**
 * Accepted means handed to the system. When the reader has left (EPIPE, as after `| head`) the Fault is fatal with the code
 * `stdout_closed`, which the agent answers with a soft stop and exit 0: the one who listened has heard enough.
 */
export function openStdout(stream: Writable): Publisher {
  let gone: Fault | undefined;
  // Without a listener the stream's error would end the process before we could stop softly.
  const onError = (error: Error) => {
    gone ??= toFault(error);
  };
  stream.on('error', onError);

  return {
    takes: 'lines',
    publish: (batch) =>
      new Promise((resolve, reject) => {
        if (gone !== undefined) return reject(gone);
        stream.write(batch.lines(), (error) => (error ? reject(toFault(error)) : resolve()));
      }),
    probe: async () => {
      if (gone !== undefined || stream.writableEnded || stream.destroyed) throw gone ?? toFault({ code: 'EPIPE' });
    },
    close: async () => {
      stream.off('error', onError);
    },
  };
}

function toFault(error: unknown): Fault {
  const code = (error as { code?: unknown }).code;
  if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ERR_STREAM_WRITE_AFTER_END')
    return new Fault('fatal', 'stdout_closed', 'nobody reads standard output any more', { cause: error });
  return classify(error);
}
