import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ControlRecord } from '../../src/coordination/control-log.ts';
import { createKeyRing, type KeyRing } from '../../src/lib/key-ring.ts';
import { ControlQueue } from '../../src/topics/amqp/control-queue.ts';
import { controlOptions, testKeys } from '../contract/amqp-ports.ts';
import { until } from '../contract/world.ts';
import { createVhost, deleteVhost } from '../services/rabbitmq.ts';

const queue = 'cg.test.control';
const layouts = { sink: { generation: 2, partitions: 4, partitionBy: ['resource_id'], uuid: 'u' } };

describe('the control record in RabbitMQ', () => {
  let vhost: string;
  let url: string;
  let control: ControlQueue;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    vhost = `c-${randomUUID()}`;
    url = await createVhost(vhost);
    control = open();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await deleteVhost(vhost);
  });

  const open = (more: Partial<ConstructorParameters<typeof ControlQueue>[1]> = {}) =>
    new ControlQueue('test', { ...controlOptions({ url }), ...more });
  const raise = (current: ControlRecord | null): ControlRecord => ({
    clusterId: 'c1',
    incarnation: (current?.incarnation ?? 0) + 1,
    epochFloor: 1000,
    layouts,
  });
  const messages = async () => {
    const connection = await connect(url);
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    const { messageCount } = await channel.checkQueue(queue);
    await connection.close();
    return messageCount;
  };

  it('is null before the first update, and nobody has made a queue by asking', async () => {
    expect(await control.read()).toBeNull();
    await expect(messages()).rejects.toMatchObject({ code: 404 });
  });

  it('is read as it was written, by others too, and leaves one message', async () => {
    const written = await control.update(raise);
    await control.update(raise);

    expect(written).toEqual({ clusterId: 'c1', incarnation: 1, epochFloor: 1000, layouts });
    expect(await open().read()).toEqual({ ...written, incarnation: 2 });
    expect(await control.read()).toEqual({ ...written, incarnation: 2 });
    expect(await messages()).toBe(1);
  });

  it('leaves the record as it was when the change throws', async () => {
    await control.update(raise);

    await expect(
      control.update(() => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');

    expect(await control.read()).toMatchObject({ incarnation: 1 });
  });

  it('loses no update when many update at once, and reads meanwhile', async () => {
    await Promise.all(
      Array.from({ length: 4 }, () => open()).flatMap((each) => [
        ...Array.from({ length: 5 }, () => each.update(raise)),
        each.read(),
      ]),
    );

    expect(await control.read()).toMatchObject({ incarnation: 20 });
    expect(await messages()).toBe(1);
  });

  it('sees the record of the one it waited for, though its own mark stands before that', async () => {
    await control.update(raise);
    let seen = 0;
    const keys: KeyRing = {
      ...testKeys,
      verify: (...args) => {
        seen += 1;
        return testKeys.verify(...args);
      },
    };
    let waiting: Promise<ControlRecord> | undefined;
    const step = async (at: string) => {
      if (at !== 'locked') return;
      const before = seen;
      waiting = control.update(raise);
      await until(() => (seen > before ? true : undefined));
    };

    // So large that it comes some time after the mark that stands before it.
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`sink ${i}`, layouts.sink]));
    await open({ keys, step }).update((current) => ({ ...raise(current), layouts: many }));

    expect(await waiting).toMatchObject({ incarnation: 3 });
  });

  it.each([
    ['locked', 1],
    ['published', 2],
    ['settled', 2],
  ] as const)('is the old or the new one when an agent is killed once it has %s', async (stopAt, expected) => {
    await control.update(raise);
    const child = fork(fileURLToPath(new URL('../contract/control-child.ts', import.meta.url)), [url, stopAt], {
      execArgv: ['--import', 'tsx'],
    });
    children.push(child);
    expect(await once(child, 'message')).toEqual([stopAt, undefined]);

    child.kill('SIGKILL');
    await once(child, 'exit');

    expect(await control.read()).toMatchObject({ incarnation: expected });
    expect(await control.update(raise)).toMatchObject({ incarnation: expected + 1 });
    expect(await control.read()).toMatchObject({ incarnation: expected + 1 });
  });

  it('writes once more above what a dying writer had on the wire', async () => {
    await control.update(raise);
    const late = async (at: string) => {
      if (at === 'changed')
        await publishSigned(url, { v: 1, version: 2, nonce: 'late', record: { ...raise(null), incarnation: 99 } });
    };

    expect(await open({ step: late }).update(raise)).toMatchObject({ incarnation: 2 });

    expect(await control.read()).toMatchObject({ incarnation: 2 });
    expect(await messages()).toBe(1);
  });

  it('holds to the first of two records of one version', async () => {
    await control.update(raise);
    await publishSigned(url, { v: 1, version: 1, nonce: 'late', record: { ...raise(null), incarnation: 99 } });

    expect(await control.read()).toMatchObject({ incarnation: 1 });
  });

  it('refuses a record that none of us wrote, and names the queue', async () => {
    await control.update(raise);
    const connection = await connect(url);
    const channel = await connection.createConfirmChannel();
    const forged = { v: 1, version: 9, nonce: 'x', record: raise(null) };
    channel.publish('', queue, Buffer.from(JSON.stringify(forged)), { type: 'record', headers: { kid: 'k1', mac: 'ff' } });
    await channel.waitForConfirms();
    await connection.close();

    for (const call of [() => control.read(), () => control.update(raise)])
      await expect(call()).rejects.toMatchObject({
        class: 'fatal',
        code: 'bad_signature',
        message: expect.stringContaining(queue),
      });
  });

  it('is signed anew by the key in use as soon as somebody reads it', async () => {
    const secret = (character: string) => character.repeat(32);
    const both = new Map([
      ['k1', 'a key for tests, which anybody may know'],
      ['k2', secret('2')],
    ]);
    await control.update(raise);

    await open({ keys: createKeyRing('k2', both) }).read();

    expect(await open({ keys: createKeyRing('k2', new Map([['k2', secret('2')]])) }).read()).toMatchObject({ incarnation: 1 });
  });
});

async function publishSigned(url: string, value: unknown): Promise<void> {
  const { keys } = controlOptions({ url });
  const bytes = Buffer.from(JSON.stringify(value));
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  channel.publish('', queue, bytes, { type: 'record', headers: keys.sign(queue, bytes) });
  await channel.waitForConfirms();
  await connection.close();
}
