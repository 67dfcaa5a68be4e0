import type { JsonObject } from '../../model/json.ts';

/**
 * What is known of one host beside its definition and its last reports. Integers only: it is stored as JSON.
 *
 * | status | word          | when |
 * |--------|---------------|------|
 * | 0      | `pending`     | nothing was ever reported, and the first deadline is not over |
 * | 1      | `ok`          | |
 * | 3      | `unreachable` | `uptime` was reported and is late |
 * | 4      | `maintenance` | a window is open, or somebody said so |
 * | 5      | `problem`     | another service is late, a trigger has fired, or what was expected was never reported |
 *
 * 2 (`down` in the list the origin kept) is never written, as there.
 */
export type Status = 0 | 1 | 3 | 4 | 5;

export const statusWords = { 0: 'pending', 1: 'ok', 3: 'unreachable', 4: 'maintenance', 5: 'problem' } as const;

export interface LateService {
  /** Wall clock of the finding, epoch ms. */
  readonly since: number;
  /** Who reads the events knows of it. */
  readonly told: boolean;
  /** It never reported at all. */
  readonly never: boolean;
  /** So many reports missed that it counts as down. */
  readonly down: boolean;
  /** Reports in time since. */
  readonly good: number;
}

export interface HostState {
  readonly status: Status;
  /** Wall clock of the last change of status, epoch ms. */
  readonly since: number;
  readonly reason: string;
  /** Of the problem that lasts; null while there is none. */
  readonly incident: string | null;
  /** When that began, epoch ms. */
  readonly began: number;
  /** `host.down` was told for it. */
  readonly told: boolean;
  /** When it was first expected, epoch ms, unique in its partition: a host that was removed and comes again is another one. */
  readonly born: number;
  /** Transitions so far: the last part of their ids. */
  readonly seq: number;
  /** Partition ms: no deadline counts from before. Set when the host is new and when a maintenance ends. */
  readonly from: number;
  readonly late: Readonly<Record<string, LateService>>;
  /** Triggers that have fired, with when (epoch ms). */
  readonly fired: Readonly<Record<string, number>>;
  /** The last results, `1` in time and `0` late, newest last; empty while all of them are good. */
  readonly results: string;
  readonly flapping: boolean;
  /** Until then (epoch ms) somebody has it in maintenance; 0: nobody. */
  readonly maintainedUntil: number;
}

/** Of nearly every host: one for all of them. */
export const none: Readonly<Record<string, never>> = Object.freeze({});

export function newHost(partitionMs: number, nowMs: number, born: number): HostState {
  return {
    status: 0,
    since: nowMs,
    reason: 'new',
    incident: null,
    began: 0,
    told: false,
    born,
    seq: 0,
    from: partitionMs,
    late: none,
    fired: none,
    results: '',
    flapping: false,
    maintainedUntil: 0,
  };
}

/** Services that are late alike; in a storm all of a host are, and what is said of them is most of its row. */
interface AlikeLate extends LateService {
  readonly of: string[];
}

/** Where a service is late they stand by what is known of them; rows of before this was so have them by their names. */
export function toJson(state: HostState): JsonObject {
  const alike: AlikeLate[] = [];
  for (const name in state.late) {
    const late = state.late[name] as LateService;
    const there = alike.find((other) => isAlike(other, late));
    if (there === undefined) alike.push({ ...late, of: [name] });
    else there.of.push(name);
  }
  return (alike.length === 0 ? state : { ...state, late: alike }) as unknown as JsonObject;
}

function isAlike(a: LateService, b: LateService): boolean {
  return a.since === b.since && a.told === b.told && a.never === b.never && a.down === b.down && a.good === b.good;
}

export function fromJson(json: JsonObject): HostState {
  const rows = json['late'];
  if (!Array.isArray(rows)) return json as unknown as HostState;
  const late: Record<string, LateService> = {};
  for (const { of, ...known } of rows as unknown as readonly AlikeLate[]) for (const name of of) late[name] = known;
  return { ...(json as unknown as HostState), late };
}
