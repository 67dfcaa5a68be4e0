import { kafkaVerdict } from '../../lib/kafka-client.ts';
import { Fault } from '../../model/faults.ts';

const outOfRange = 'KafkaJSOffsetOutOfRange';

/** What Kafka refused, as a Fault. A topic that is missing is `no_topic`, as the port calls it. */
export function kafkaFault(thrown: unknown, doing: string): Fault {
  if (thrown instanceof Fault) return thrown;
  const { name, cause } = thrown as { readonly name?: unknown; readonly cause?: { readonly name?: unknown } };
  if (name === outOfRange || cause?.name === outOfRange)
    return new Fault('retryable', 'log_out_of_range', `${doing}: Kafka holds no such offset`, { cause: thrown });
  const verdict = kafkaVerdict(thrown, doing);
  if (verdict.code === 'kafka_no_topic') return new Fault('retryable', 'no_topic', verdict.text, { cause: thrown });
  return new Fault(verdict.class, verdict.code, verdict.text, { cause: thrown });
}
