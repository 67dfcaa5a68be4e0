import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { transitionEvent } from '../../src/core/liveness/items.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { makeBatch } from '../../src/pipeline/batch.ts';
import { createItemCodec } from '../../src/pipeline/item-codec.ts';
import type { Publisher } from '../../src/publishers/publisher.ts';
import { hostMirror } from '../../src/services/host-mirror/mirror.ts';
import { PrivateRedis } from '../services/redis.ts';

let redis: PrivateRedis;
let mirror: Publisher;

beforeEach(async () => {
  redis = await PrivateRedis.start();
  mirror = hostMirror({ url: redis.url, passwordFile: null });
});

afterEach(async () => {
  await mirror.close();
  await redis.stop();
});

async function happens(...facts: readonly JsonObject[]): Promise<unknown> {
  const items = facts.map((fact) =>
    transitionEvent(String(fact['kind']), { host: 'web1', incident: 'i', since: 1, reason: 'r', ...fact }, 0),
  );
  await mirror.publish(
    makeBatch(
      items,
      createItemCodec(() => ''),
      false,
    ),
    new AbortController().signal,
  );
  const keys = (await redis.admin('KEYS', 'host_web1_trigger*')) as string[];
  return [...keys].sort();
}

describe('keys for readers of the original', () => {
  it('are there while something is wrong, and no longer', async () => {
    expect(await happens({ kind: 'state', status: 3 }, { kind: 'down', status: 3 })).toEqual(['host_web1_trigger_None']);
    expect(await happens({ kind: 'fired', trigger: 'busy', status: 5 })).toEqual([
      'host_web1_trigger_None',
      'host_web1_trigger_busy',
    ]);
    expect(await happens({ kind: 'cleared', trigger: 'busy', status: 3 })).toEqual(['host_web1_trigger_None']);
    expect(await happens({ kind: 'state', status: 1 }, { kind: 'up', status: 1 })).toEqual([]);
    expect(await happens({ kind: 'late', service: 'cpu', status: 5 }, { kind: 'late', service: 'cpu', status: 5 })).toEqual([
      'host_web1_trigger_None',
    ]);
  });

  it('come once Redis is back', async () => {
    await redis.down();
    await expect(happens({ kind: 'down', status: 3 })).rejects.toMatchObject({ class: 'retryable', code: 'host_mirror' });
    await redis.up();

    expect(await happens({ kind: 'down', status: 3 })).toEqual(['host_web1_trigger_None']);
  });
});
