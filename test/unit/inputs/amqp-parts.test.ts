import { describe, expect, it } from 'vitest';
import { brokerFault } from '../../../src/inputs/amqp/broker-fault.ts';
import { toEndpoint } from '../../../src/inputs/amqp/endpoints.ts';
import { AmqpInputSchema } from '../../../src/inputs/amqp/schema.ts';
import { toEnvelope, toTarget } from '../../../src/inputs/amqp/sender.ts';
import { toTopology } from '../../../src/inputs/amqp/topology.ts';

describe('the topology of the amqp input', () => {
  it('has a queue for every topic and priority, not durable, as the services declare them', () => {
    const topology = toTopology(AmqpInputSchema.parse({ url: 'amqp://x', topics: ['a', 'b'], priorities: ['info', 'error'] }));

    expect(topology.queues).toEqual(['a.info', 'a.error', 'b.info', 'b.error']);
    expect(topology.queue).toEqual({ durable: false, autoDelete: false, arguments: {} });
    expect(topology.exchanges).toContain('nova');
  });

  it('is durable with quorum queues', () => {
    const topology = toTopology(AmqpInputSchema.parse({ url: 'amqp://x', quorum: true }));

    expect(topology.exchange.durable).toBe(true);
    expect(topology.queue).toMatchObject({ durable: true, arguments: { 'x-queue-type': 'quorum' } });
  });
});

describe('an endpoint', () => {
  it.each([
    ['amqp://host', 'amqp://host:5672/', { username: 'guest', password: 'guest', vhost: '%2F' }],
    ['amqps://u:p%40ss@host/prod', 'amqps://host:5671/prod', { username: 'u', password: 'p@ss', vhost: 'prod' }],
    ['amqp://u:p@[::1]:5/%2Fa', 'amqp://[::1]:5//a', { hostname: '::1', port: 5, vhost: '%2Fa' }],
  ])('of %s is labelled %s', (url, label, connect) => {
    const endpoint = toEndpoint(url, undefined, 20);

    expect(endpoint.label).toBe(label);
    expect(endpoint.connect).toMatchObject(connect);
  });

  it('takes the password of the file before the one in the URL', () => {
    expect(toEndpoint('amqp://u:old@h', 'new', 20).connect.password).toBe('new');
  });
});

describe('the fault of a broker', () => {
  it.each([
    [Object.assign(new Error('gone'), { code: 404 }), 'retryable', 'amqp_not_found'],
    [Object.assign(new Error('no'), { code: 403 }), 'fatal', 'amqp_refused'],
    [new Error('Handshake terminated by server: 403 (ACCESS-REFUSED) with message "…"'), 'fatal', 'amqp_refused'],
    [new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'), 'fatal', 'amqp_not_allowed'],
    [Object.assign(new Error('expired'), { code: 'CERT_HAS_EXPIRED' }), 'fatal', 'amqp_certificate'],
    [Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'retryable', 'amqp_disconnected'],
    [Object.assign(new Error('shutdown'), { code: 320 }), 'retryable', 'amqp_disconnected'],
    [undefined, 'retryable', 'amqp_disconnected'],
  ])('for %s is %s %s', (thrown, faultClass, code) => {
    expect(brokerFault(thrown, 'testing')).toMatchObject({ class: faultClass, code });
  });
});

describe('what is sent to a broker', () => {
  it('keeps the text of the notification, every digit of it', () => {
    const text = '{"payload": {"n": 1.0, "big": 9007199254740993}}';

    const envelope = JSON.parse(toEnvelope({ text, priority: 'info', enveloped: false })) as Record<string, string>;

    expect(envelope).toEqual({ 'oslo.version': '2.0', 'oslo.message': text });
  });

  it('leaves an envelope as it is', () => {
    expect(toEnvelope({ text: 'as it is', priority: 'info', enveloped: true })).toBe('as it is');
  });

  it('goes where the query says', () => {
    expect(toTarget(new URL('amqp://h/?exchange=cinder&topic=t&quorum=true&declare=false'))).toEqual({
      exchange: 'cinder',
      topic: 't',
      declare: false,
      exchangeOptions: { durable: true, autoDelete: false },
      queueArguments: { 'x-queue-type': 'quorum' },
    });
  });
});
