import { afterAll, beforeAll } from 'vitest';
import { amqpWorld } from '../contract/amqp-world.ts';
import { describeTopics } from '../contract/topics.contract.ts';
import { type OwnRabbitmq, startOwnRabbitmq } from '../services/own-rabbitmq.ts';

let broker: OwnRabbitmq;
beforeAll(async () => {
  broker = await startOwnRabbitmq();
}, 120_000);
afterAll(() => broker.dispose());

describeTopics('amqp', () => amqpWorld(broker));
