import { randomUUID } from 'node:crypto';
import { list, num, str } from '../../lib/redis-reply.ts';
import { Fault } from '../../model/faults.ts';
import type { ControlRecord } from '../control-log.ts';
import type { Probe } from './probe.ts';
import { putLayout } from './scripts/agreements.ts';
import { abandonRecovery, beginRecovery, recover as recoverScript } from './scripts/standing.ts';
import { signCluster } from './seals.ts';
import type { StandingOptions } from './standing.ts';

/** So far above everything known that no epoch granted by a history we cannot see any more comes near. */
const floorGap = 1_000;

/** Stands for a unit in a key that is taken apart. */
const between = '\n';

/**
 * After a restart of Redis, when its history may have gone back:
 *
 *     take the right to recover → raise incarnation and floor on the bus → write both to the store, by compare-and-set
 *
 * The bus comes first: whatever is granted under the new incarnation is above what the bus knows, also when this Redis is lost in the
 * next moment. Null: somebody else did, or something changed; look again.
 */
export async function recover(
  options: StandingOptions,
  stands: Probe,
  record: ControlRecord | null,
  seenEpoch: number,
  lost: boolean,
): Promise<{ readonly incarnation: number; readonly floor: number } | null> {
  const { connection, keys, ring, control, recovery } = options;
  const who = randomUUID();
  const begun = list(await connection.run(beginRecovery, [keys.meta], [stands.knownRun, who]));
  if (begun[0] === 'WAIT')
    throw new Fault('retryable', 'redis_recovering', 'another agent is recovering Redis', { retryAfterMs: num(begun[1]) });
  if (begun[0] !== 'OK') return null;
  const incarnation = Math.max(stands.incarnation, record?.incarnation ?? 0) + 1;
  const highest = Math.max(stands.highestEpoch, stands.floor, record?.epochFloor ?? 0, seenEpoch);
  const floor = highest + floorGap;
  let raised = false;
  try {
    raised = await raise(options, stands.clusterId, record, incarnation, floor);
  } finally {
    // Not told either way: the right ends by itself.
    if (!raised) await connection.run(abandonRecovery, [keys.meta], [who]).catch(() => undefined);
  }
  if (!raised) return null;
  const { kid, mac } = signCluster(ring, stands.clusterId);
  const mark = [stands.clusterId, String(incarnation), String(floor), kid, mac];
  const reply = list(
    await connection.run(
      recoverScript,
      [keys.meta, keys.members, keys.units, keys.recovered],
      [stands.knownRun, who, ...mark, lost && recovery === 'reseed' ? '1' : '0', ...keys.part(between, 'head').split(between)],
    ),
  );
  if (str(reply[0]) !== 'OK') return null;
  // The layouts outlive the store on the bus. Generation and uuid stay, so the topics are still those.
  if (lost && control !== null)
    for (const [sink, layout] of Object.entries(record?.layouts ?? {}))
      await connection.run(
        putLayout,
        [keys.meta, keys.layouts],
        [stands.clusterId, String(incarnation), sink, '', JSON.stringify(layout)],
      );
  return { incarnation, floor };
}

/** False when the record is not the one we read: another agent raised it, under a right that ended meanwhile. */
async function raise(
  { control }: StandingOptions,
  clusterId: string,
  record: ControlRecord | null,
  incarnation: number,
  floor: number,
): Promise<boolean> {
  if (control === null) return true;
  let ours = false;
  await control.update((current) => {
    ours = current?.incarnation === record?.incarnation;
    if (!ours) return current ?? { clusterId, incarnation: 0, epochFloor: 0, layouts: {} };
    return { layouts: {}, ...current, clusterId, incarnation, epochFloor: floor };
  });
  return ours;
}
