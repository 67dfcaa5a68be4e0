import { kafkaVerdict, openKafka } from '../../lib/kafka-client.ts';
import { linkedAbort } from '../../lib/linked-abort.ts';
import { aborted, orAborted } from '../../lib/or-aborted.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { Fault } from '../../model/faults.ts';
import { kafkaAccess } from '../../model/kafka-connection.ts';
import { readConfigured, readSecret } from '../configured-file.ts';
import type { Input, InputContext, InputKind } from '../input.ts';
import { reconnecting } from '../reconnecting.ts';
import { type KafkaInputParameters, summary } from './schema.ts';
import { ListenerFailure, Session } from './session.ts';

/** Fatal at first sight; from a cluster that took us before likely one that is just being restarted or changed. */
const mayHeal = new Set(['kafka_refused', 'kafka_not_allowed', 'kafka_certificate']);

export const kafka: InputKind<KafkaInputParameters> = {
  name: 'kafka',
  summary,
  async open(parameters, context) {
    return new KafkaInput(parameters, context);
  },
};

/**
 * Joining → consuming → (crashed → pause → joining)* → draining → ended.
 *
 * | state     | left by |
 * |-----------|---------|
 * | joining   | in the group → consuming; a fault → pause; a fatal one → ended with it |
 * | consuming | kafkajs gave up, or the listener failed → pause or ended; soft → draining; hard → ended |
 * | pause     | backoff with full jitter over → joining |
 * | draining  | nothing outstanding, or hard → the last commit → ended |
 *
 * Acknowledge last: an offset is committed when everything below it was settled. What was handed out before the group was divided anew is
 * never committed: it comes again to whoever has the partition then.
 */
class KafkaInput implements Input {
  readonly #parameters: KafkaInputParameters;
  readonly #context: InputContext;
  readonly #permits: Semaphore;
  #session: Session | undefined;
  #joinedOnce = false;
  #settlementsLost = false;

  constructor(parameters: KafkaInputParameters, context: InputContext) {
    this.#parameters = parameters;
    this.#context = context;
    this.#permits = new Semaphore(parameters.prefetch);
  }

  async run(): Promise<void> {
    const { soft, hard } = this.#context;
    const stop = linkedAbort(soft, hard);
    try {
      await reconnecting(this.#context, stop.signal, () => this.#consumeOnce(stop.signal));
    } catch (thrown) {
      if (!stop.signal.aborted) throw thrown;
      await this.#drain(hard);
    } finally {
      stop.release();
      await this.close();
    }
  }

  async prove(): Promise<void> {
    if (this.#settlementsLost) {
      this.#settlementsLost = false;
      throw new Fault('retryable', 'settlements_lost', 'what was delivered before the group was divided anew may come again');
    }
    await this.#session?.commit();
  }

  /** Which partition it would come back through is Kafka's affair, so it would prove nothing of the others. */
  async sendCanary(): Promise<boolean> {
    return false;
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  /** One session's life. Returns why it ended when another one may do better; throws what the listener threw. */
  async #consumeOnce(stop: AbortSignal): Promise<Fault> {
    try {
      const session = new Session(await this.#client(), this.#parameters, this.#context, this.#permits, stop, () => {
        this.#settlementsLost = true;
      });
      this.#session = session;
      await orAborted(Promise.race([session.start(), session.failed]), stop);
      this.#joinedOnce = true;
      return await orAborted(session.failed, stop);
    } catch (thrown) {
      // A stop drains what is outstanding first, and commits it in this session.
      if (stop.aborted) throw stop.reason;
      await this.close();
      if (thrown instanceof ListenerFailure) throw thrown.error;
      const fault = toFault(thrown);
      if (fault.class === 'retryable' || (this.#joinedOnce && mayHeal.has(fault.code))) return fault;
      throw fault;
    }
  }

  async #drain(hard: AbortSignal): Promise<void> {
    const session = this.#session;
    if (hard.aborted) return;
    try {
      session?.pause();
      await this.#permits.idle(hard);
      await orAborted(session?.commit() ?? Promise.resolve(), hard);
    } catch (thrown) {
      // Leaving: what could not be committed comes again, which is all that can be promised.
      if (!hard.aborted) await Promise.race([this.#permits.idle(), aborted(hard)]);
      this.#context.report({ kind: 'disconnected', detail: (thrown as Error).message, retryInMs: 0 });
    }
  }

  async #client() {
    const { baseDir, name } = this.#context;
    const access = await kafkaAccess(
      this.#parameters,
      (path) => readConfigured(path, baseDir),
      (path) => readSecret(path, baseDir),
    );
    return openKafka({ ...access, clientId: `ceilograph-${name}`, requestTimeoutMs: this.#parameters.request_timeout_ms });
  }
}

function toFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const verdict = kafkaVerdict(thrown, 'joining the group');
  return new Fault(verdict.class === 'fatal' ? 'fatal' : 'retryable', verdict.code, verdict.text, { cause: thrown });
}
