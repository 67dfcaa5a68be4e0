import type { RedisEvent } from '../coordination/redis/open-redis.ts';
import type { Emit } from '../telemetry/events.ts';
import type { AmqpTopicsEvent } from '../topics/amqp/amqp-topics.ts';
import type { KafkaTopicsEvent } from '../topics/kafka/kafka-topics.ts';

export function tellOfTopics(emit: Emit, event: AmqpTopicsEvent): void {
  switch (event.kind) {
    case 'connected':
      emit('broker:connected', { connection: event.connection, broker: event.label });
      break;
    case 'disconnected':
      emit('broker:disconnected', { connection: event.connection, error: event.error, retryInMs: event.retryInMs });
      break;
    case 'blocked':
      emit('broker:blocked', { connection: event.connection, reason: event.reason });
      break;
    case 'unblocked':
      emit('broker:unblocked', { connection: event.connection });
      break;
    case 'spoiled':
      emit('topic:resent', { why: event.why, entries: event.owed, error: event.error });
      break;
    case 'detached':
      emit('topic:detached', { partition: event.queue, error: event.error });
      break;
    case 'attached':
      emit('topic:attached', { partition: event.queue });
      break;
    case 'refused':
      emit('topic:refused', { partition: event.queue, reason: event.why });
      break;
  }
}

export function tellOfKafka(emit: Emit, event: KafkaTopicsEvent): void {
  switch (event.kind) {
    case 'connected':
      emit('broker:connected', { connection: 'consume', broker: 'kafka' });
      break;
    case 'disconnected':
      emit('broker:disconnected', { connection: 'consume', error: event.error, retryInMs: event.retryInMs });
      break;
    case 'resent':
      emit('topic:resent', { why: event.error.code, entries: event.owed, error: event.error });
      break;
    case 'untrimmed':
      emit('topic:untrimmed', { topic: event.topic, error: event.error });
      break;
    case 'refused':
      emit('topic:refused', { partition: event.partition, reason: event.why });
      break;
  }
}

export function tellOfRedis(emit: Emit, event: RedisEvent): void {
  switch (event.kind) {
    case 'founded':
      emit('group:founded', { id: event.clusterId });
      break;
    case 'recovered':
      emit('group:recovered', { incarnation: event.incarnation, floor: event.floor, lost: event.lost });
      break;
    case 'went-back': {
      const { unit, answered, found } = event;
      emit('partition:went-back', { partition: unit, version: answered, found, commits: answered - found });
      break;
    }
    case 'rejected':
      emit('group:rejected', { what: event.what, where: event.where, reason: event.reason, kid: event.kid });
      break;
  }
}
