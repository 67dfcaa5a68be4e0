import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAgent } from '../../../src/config/load-agent.ts';
import { queueNames } from '../../../src/inputs/amqp/queue-names.ts';
import type { AmqpInputParameters } from '../../../src/inputs/amqp/schema.ts';
import { controlQueueName } from '../../../src/topics/amqp/control-queue.ts';
import { exchangeOf } from '../../../src/topics/amqp/partition-queue.ts';
import { partitionName } from '../../../src/topics/topic.ts';
import { projectDir } from '../../run/program.ts';

interface Definitions {
  readonly users: readonly { readonly name: string; readonly password_hash: string; readonly tags: readonly string[] }[];
  readonly permissions: readonly {
    readonly user: string;
    readonly vhost: string;
    readonly configure: string;
    readonly write: string;
    readonly read: string;
  }[];
  readonly queues: readonly { readonly name: string; readonly vhost: string; readonly durable: boolean }[];
  readonly bindings: readonly { readonly destination: string; readonly routing_key: string }[];
}

describe('the RabbitMQ users that we ship', () => {
  const text = readFileSync(join(projectDir, 'deploy/rabbitmq/definitions.json'), 'utf8');
  const { users, permissions, queues, bindings } = JSON.parse(text) as Definitions;

  const of = (user: string) => {
    const found = permissions.filter((permission) => permission.user === user);
    expect(found.length).toBe(1);
    const [{ vhost = '', configure = '', write = '', read = '' } = {}] = found;
    return { vhost, configure: new RegExp(configure), write: new RegExp(write), read: new RegExp(read) };
  };
  const strangers = [
    '',
    'amq.default',
    'nova',
    'notifications.info',
    'xcg.ceilograph',
    'cg.ceilograph2',
    'cg.ceilograph2.control',
  ];

  it('can log in only once somebody has given them a password, and the default one is not among them', () => {
    expect(users.map(({ password_hash }) => password_hash)).toEqual(users.map(() => ''));
    expect(users.map(({ name }) => name)).not.toContain('guest');
  });

  it('administer nothing, but for the one meant for people', () => {
    expect(users.filter(({ tags }) => tags.length > 0).map(({ name }) => name)).toEqual(['operator']);
  });

  it('reach all that the internal topics are made of, and nothing else', () => {
    const { vhost, configure, write, read } = of('ceilograph-internal');
    const partition = { cluster: 'ceilograph', sink: 'cpu-util', generation: 1, partition: 15 };
    const ours = [exchangeOf('ceilograph'), controlQueueName('ceilograph'), 'cg.ceilograph.catalog', partitionName(partition)];

    expect(vhost).toBe('ceilograph');
    for (const pattern of [configure, write, read]) {
      expect(ours.filter((name) => !pattern.test(name))).toEqual([]);
      expect(strangers.filter((name) => pattern.test(name))).toEqual([]);
    }
  });

  it('read the queues of the input and write canaries, and declare nothing', async () => {
    const config = await loadAgent(join(projectDir, 'deploy/compose/agent.yaml'), {});
    const parameters = config.inputs[0]?.parameters as AmqpInputParameters;
    const names = queueNames(parameters);
    const { vhost, configure, write, read } = of('ceilograph-raw');

    expect([vhost, new URL(String(parameters.url)).pathname]).toEqual(['/', '/']);
    expect(parameters.declare).toBe(false);
    expect(names.filter((name) => !read.test(name))).toEqual([]);
    expect([...names, ...strangers, 'x'].filter((name) => configure.test(name))).toEqual(['']);
    // The default exchange, in which a canary finds our raw queues; RabbitMQ asks for it under this name.
    expect([...names, ...strangers].filter((name) => write.test(name))).toEqual(['amq.default']);
    expect(['cg.ceilograph', 'xnotifications.info'].filter((name) => read.test(name))).toEqual([]);
  });

  it('find the queues of the input there, durable and bound', async () => {
    const config = await loadAgent(join(projectDir, 'deploy/compose/agent.yaml'), {});
    const names = queueNames(config.inputs[0]?.parameters as AmqpInputParameters);

    expect(queues.filter(({ durable }) => durable).map(({ name }) => name)).toEqual(names);
    expect(bindings.map(({ destination, routing_key }) => [destination, routing_key])).toEqual(names.map((name) => [name, name]));
  });
});
