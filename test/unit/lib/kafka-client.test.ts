import { expect, it } from 'vitest';
import { kafkaMissing, kafkaVerdict } from '../../../src/lib/kafka-client.ts';

const protocol = (type: string) => Object.assign(new Error(`Kafka says ${type}`), { name: 'KafkaJSProtocolError', type });
const wrapped = (cause: Error) =>
  Object.assign(new Error('retries exceeded', { cause }), { name: 'KafkaJSNumberOfRetriesExceeded' });

it.each([
  [protocol('SASL_AUTHENTICATION_FAILED'), 'fatal', 'kafka_refused'],
  [protocol('TOPIC_AUTHORIZATION_FAILED'), 'fatal', 'kafka_not_allowed'],
  [Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'fatal', 'kafka_certificate'],
  [Object.assign(new Error('Snappy'), { name: 'KafkaJSNotImplemented' }), 'fatal', 'kafka_compression'],
  [protocol('MESSAGE_TOO_LARGE'), 'poison', 'kafka_too_large'],
  [protocol('UNKNOWN_TOPIC_OR_PARTITION'), 'retryable', 'kafka_no_topic'],
  [protocol('NOT_LEADER_FOR_PARTITION'), 'retryable', 'kafka_disconnected'],
  [new Error('anything else'), 'retryable', 'kafka_disconnected'],
] as const)('says who must mend %s, however deep it is wrapped', (error, faultClass, code) => {
  for (const thrown of [error, wrapped(error), wrapped(wrapped(error))]) {
    const verdict = kafkaVerdict(thrown, 'asking');

    expect([verdict.class, verdict.code]).toEqual([faultClass, code]);
    expect(verdict.text).toContain(`asking: ${error.message}`);
  }
});

it('misses nothing where kafkajs is installed', () => {
  expect(kafkaMissing()).toBeNull();
});
