import type { LeaseToken, Unit } from '../../coordination/group.ts';
import { num, type Reply, str } from '../../lib/redis-reply.ts';
import { Fault } from '../../model/faults.ts';
import type {
  Commit,
  CommitResult,
  Guarded,
  Loaded,
  PartitionStore,
  PeekedPartitions,
  RecoveredPartitions,
  Reseeded,
  StateChunk,
  WholePartition,
  WholePartitions,
} from '../partition-store.ts';
import type { GuardedRedis } from './guarded-redis.ts';
import { readIds, readOutbox, scanState } from './load.ts';
import { clearOutbox, commit, describe, noteStart, readHead } from './pieces.ts';
import { drop, reseed } from './reseed.ts';
import { unitKeys } from './unit-keys.ts';

const fenced = { kind: 'fenced' } as const;
const clearPerCall = 256;

/**
 * Partition state in Redis: a field per transformer key, so a commit costs what it changes. Each effect is one script behind the guard of
 * the lease; nothing here decides who may write.
 */
export class RedisStore implements PartitionStore, WholePartitions, PeekedPartitions, RecoveredPartitions {
  readonly rollingKeys = 0;
  readonly #redis: GuardedRedis;

  constructor(redis: GuardedRedis) {
    this.#redis = redis;
  }

  /**
   * In pages, so that neither Redis nor this process stands still over a million keys. Only the holder of the lease changes what is read:
   * when it still holds at the end, at the same version, all pages belong together.
   */
  async load(token: LeaseToken, onState: Parameters<PartitionStore['load']>[1]): Promise<Guarded<Loaded>> {
    const keys = unitKeys(this.#redis, token.unit);
    const before = await this.#head(token);
    if (before === null) return fenced;
    await scanState(this.#redis, keys, (chunk) => onState(chunk, false));
    const outbox = await readOutbox(this.#redis, token, keys, before.groups);
    const ids = outbox === null ? null : await readIds(this.#redis, token, keys, before.slices);
    const after = ids === null ? null : await this.#head(token);
    if (outbox === null || ids === null || after === null) return fenced;
    const { version, cursor, starts, suspects } = before;
    if (after.version !== version)
      throw new Fault(
        'retryable',
        'state_moved',
        `${token.unit} changed while it was read: an earlier call of its owner came late`,
      );
    return { kind: 'ok', value: { version, cursor, outbox, ids, starts, suspects } };
  }

  async noteStart(token: LeaseToken, suspects: string): Promise<Guarded<null>> {
    const keys = unitKeys(this.#redis, token.unit);
    return done(await this.#redis.effect(noteStart, token, [keys.head], [suspects]));
  }

  async commit(token: LeaseToken, change: Commit): Promise<CommitResult> {
    const keys = unitKeys(this.#redis, token.unit);
    const { set, del, outbox, ids, dropSlices } = change;
    const args: (string | number)[] = [change.expectVersion, change.commitId, change.cursor, change.leaseTtlMs];
    args.push(ids === null ? '' : ids.slice, ids === null ? '' : ids.text);
    args.push(set.length, del.length, outbox.length, dropSlices.length);
    for (const [key, value] of set) args.push(key, value);
    for (const key of del) args.push(key);
    for (const { group, items, text } of outbox) args.push(group, items, Buffer.byteLength(text), text);
    args.push(...dropSlices);
    const reply = await this.#redis.effect(
      commit,
      token,
      [
        keys.head,
        keys.state,
        keys.outbox,
        keys.groups,
        keys.slices,
        keys.ids(ids?.slice ?? ''),
        ...outbox.map(({ group }) => keys.queue(group)),
        ...dropSlices.map((slice) => keys.ids(slice)),
      ],
      args,
    );
    if (reply === null) return fenced;
    if (reply[0] === 'MISSING') throw stateMissing(token.unit);
    const version = num(reply[1]);
    if (reply[0] === 'CONFLICT') return { kind: 'conflict', version };
    this.#redis.answered(token.unit, version);
    return { kind: reply[0] === 'REPLAYED' ? 'replayed' : 'ok', version };
  }

  async clearOutbox(token: LeaseToken, group: string, version: number): Promise<Guarded<null>> {
    const keys = unitKeys(this.#redis, token.unit);
    for (;;) {
      const args = [group, version, clearPerCall];
      const reply = await this.#redis.effect(clearOutbox, token, [keys.outbox, keys.groups, keys.queue(group)], args);
      if (reply === null || num(reply[1]) < clearPerCall) return done(reply);
    }
  }

  async describe(unit: Unit): Promise<{ version: number; outboxItems: number; outboxBytes: number }> {
    const keys = unitKeys(this.#redis, unit);
    const [, version, items, bytes] = await this.#redis.look(describe, [keys.head, keys.groups], []);
    return { version: num(version), outboxItems: num(items), outboxBytes: num(bytes) };
  }

  peek(unit: Unit, onState: (chunk: StateChunk) => void): Promise<void> {
    return scanState(this.#redis, unitKeys(this.#redis, unit), onState);
  }

  stoodAtRecovery(unit: Unit, incarnation: number): Promise<number | null> {
    return this.#redis.stoodAtRecovery(unit, incarnation);
  }

  reseed(token: LeaseToken, whole: WholePartition): Promise<Reseeded> {
    return reseed(this.#redis, token, whole);
  }

  async drop(token: LeaseToken): Promise<Guarded<null>> {
    const dropped = await drop(this.#redis, token);
    if (dropped.kind === 'ok') this.#redis.answered(token.unit, 0);
    return dropped;
  }

  /** The connection belongs to whoever opened it. */
  async close(): Promise<void> {}

  async #head(token: LeaseToken): Promise<Head | null> {
    const keys = unitKeys(this.#redis, token.unit);
    const reply = await this.#redis.effect(readHead, token, [keys.head, keys.groups, keys.slices], []);
    if (reply === null) return null;
    if (reply[0] === 'MISSING') throw stateMissing(token.unit);
    const [, version, cursor, starts, suspects, groups, slices] = reply;
    return {
      version: num(version),
      cursor: typeof cursor === 'string' ? cursor : null,
      starts: num(starts),
      suspects: str(suspects),
      groups: (groups as readonly Reply[]).map(str),
      slices: (slices as readonly Reply[]).map(num),
    };
  }
}

interface Head {
  readonly version: number;
  readonly cursor: string | null;
  readonly starts: number;
  readonly suspects: string;
  readonly groups: readonly string[];
  readonly slices: readonly number[];
}

function stateMissing(unit: Unit): Fault {
  return new Fault(
    'retryable',
    'redis_state_missing',
    `the state of ${unit} was lost with what Redis held, and nobody has written it back. The partition stands still. → restore the file of ` +
      'Redis, or give the state up: `recovery: empty` with `accept_loss: true`',
  );
}

function done(reply: readonly Reply[] | null): Guarded<null> {
  return reply === null ? fenced : { kind: 'ok', value: null };
}
