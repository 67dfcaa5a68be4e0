import { list, num, str } from '../../lib/redis-reply.ts';
import type { RedisConnection } from './connection.ts';
import type { ClusterKeys } from './keys.ts';
import { probe } from './scripts/standing.ts';

/** What a store says of itself, before any of it is believed. */
export interface Probe {
  readonly run: string;
  /** `standalone` or `cluster`. */
  readonly mode: string;
  /** Empty: no cluster. */
  readonly clusterId: string;
  readonly incarnation: number;
  readonly knownRun: string;
  readonly floor: number;
  readonly kid: string;
  readonly mac: string;
  readonly highestEpoch: number;
}

export async function readProbe(connection: RedisConnection, keys: ClusterKeys): Promise<Probe> {
  const [run, clusterId, incarnation, knownRun, floor, kid, mac, highest, mode = ''] = list(
    await connection.run(probe, [keys.meta, keys.units], [keys.lease('')]),
  );
  return {
    run: str(run),
    mode: str(mode),
    clusterId: str(clusterId),
    incarnation: num(incarnation),
    knownRun: str(knownRun),
    floor: num(floor),
    kid: str(kid),
    mac: str(mac),
    highestEpoch: num(highest),
  };
}
