import type { ConfirmChannel, Options } from 'amqplib';
import type { Clock } from '../../lib/clock.ts';
import { linkedAbort } from '../../lib/linked-abort.ts';
import { Fault } from '../../model/faults.ts';

/**
 * Publishes one message and resolves when the broker has it. The broker tells of an unroutable message by a return *before* it
 * confirms it, and a return carries no delivery tag, so with one message under way on the channel every return is ours.
 */
export async function confirmed(
  channel: ConfirmChannel,
  exchange: string,
  key: string,
  body: Buffer,
  options: Options.Publish,
  waiting: { readonly clock: Clock; readonly timeoutMs: number },
  signal: AbortSignal,
): Promise<void> {
  const settled = linkedAbort(signal);
  const answer = new Promise<void>((resolve, reject) => {
    let returned = false;
    let failure: unknown;
    const onReturn = () => {
      returned = true;
    };
    const onError = (error: unknown) => {
      failure = error;
    };
    const onClose = () => reject(failure ?? new Fault('retryable', 'amqp_closed', 'the channel was closed before the confirm'));
    channel.on('return', onReturn);
    channel.on('error', onError);
    channel.on('close', onClose);
    settled.signal.addEventListener('abort', () => {
      channel.off('return', onReturn);
      channel.off('error', onError);
      channel.off('close', onClose);
    });
    channel.publish(exchange, key, body, { ...options, mandatory: true }, (error) => {
      if (returned) reject(new Fault('retryable', 'amqp_unroutable', `no queue is bound to ${exchange} for ${key}`));
      else if (error) reject(failure ?? new Fault('retryable', 'amqp_nack', 'the broker refused the message', { cause: error }));
      else resolve();
    });
  });
  const late = waiting.clock.sleep(waiting.timeoutMs, settled.signal).then(() => {
    throw new Fault('retryable', 'amqp_confirm_late', `no confirm within ${waiting.timeoutMs} ms`);
  });
  try {
    await Promise.race([answer, late]);
  } finally {
    settled.abort();
    settled.release();
    // Whichever lost the race ends too, and has nobody to tell.
    answer.catch(() => undefined);
    late.catch(() => undefined);
  }
}
