import { readFile } from 'node:fs/promises';
import type { Fact } from '../../core/liveness/announcement.ts';
import { factsIn } from '../../core/liveness/lots.ts';
import { orAborted } from '../../lib/or-aborted.ts';
import { connectRedis, type RedisClient } from '../../lib/redis-client.ts';
import { Fault } from '../../model/faults.ts';
import { isEvent } from '../../model/item.ts';
import type { Publisher } from '../../publishers/publisher.ts';

/** Where readers of crazymonitor look. */
export interface MirrorPlace {
  readonly url: string;
  readonly passwordFile: string | null;
}

const answerMs = 10_000;

/**
 * The keys `host_<host>_trigger_<trigger>` that readers of the original look for: there while a trigger has fired, and with `None` for the trigger
 * while the host is down or a service of it is late. They have no end of their own: what the original left to a key's time is said here when it is over.
 * What comes again sets or deletes the same.
 */
export function hostMirror(place: MirrorPlace): Publisher {
  let client: RedisClient | null = null;
  const leave = () => {
    client?.disconnect();
    client = null;
  };
  return {
    publish: async (batch, signal) => {
      try {
        client ??= await open(place, signal);
        const pipeline = client.pipeline();
        for (const [command, key, value] of batch.items.filter(isEvent).flatMap(factsIn).flatMap(changesOf)) {
          if (command === 'SET') pipeline.set(key, value);
          else pipeline.del(key);
        }
        for (const [error] of (await orAborted(pipeline.exec(), signal)) ?? []) if (error !== null) throw error;
      } catch (error) {
        leave();
        if (signal.aborted) throw signal.reason;
        throw new Fault('retryable', 'host_mirror', `Redis: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    },
    probe: async () => undefined,
    close: async () => leave(),
  };
}

type Change = readonly [command: 'SET' | 'DEL', key: string, value: string];

/** Of one transition. A host that is well, or about which nothing is judged, has no key for its silence. */
function changesOf({ kind, host, trigger, incident, since, reason, status }: Fact): readonly Change[] {
  const key = (name: unknown) => `host_${String(host)}_trigger_${String(name)}`;
  const value = JSON.stringify({ incident, since, reason });
  if (kind === 'fired') return [['SET', key(trigger), value]];
  if (kind === 'cleared') return [['DEL', key(trigger), '']];
  if (kind === 'down' || kind === 'late') return [['SET', key('None'), value]];
  return kind === 'state' && status !== 3 && status !== 5 ? [['DEL', key('None'), '']] : [];
}

async function open({ url, passwordFile }: MirrorPlace, signal: AbortSignal): Promise<RedisClient> {
  const password = passwordFile === null ? undefined : (await readFile(passwordFile, 'utf8')).trim();
  return connectRedis({ url, password, tls: {}, timeoutMs: answerMs }, signal);
}
