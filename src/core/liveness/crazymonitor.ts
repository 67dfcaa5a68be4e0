import { aliveService } from './host-definition.ts';
import type { Status } from './host-state.ts';

/**
 * The original's loop, its defects included, for who moves from it and wants to see that nothing else changed: a host that has no data at its
 * first look is a problem for five minutes, the service that was looked at last decides between 3 and 5, an alert comes with every
 * look, and a host is well again once a key of 300 s has run out, whether data came or not.
 *
 * One pass over one host, every three seconds. All times are partition ms.
 */
export const passMs = 3_000;
const triggerKeyMs = 300_000;
const toleranceMs = 10_000;
const armedAfterMs = 10_000;

export interface OldState {
  readonly status: Status;
  /** When the host was first loaded. */
  readonly loadedAt: number;
  /** When each service was last looked at. */
  readonly looked: Readonly<Record<string, number>>;
  /** When the key `host_<id>_trigger_None` runs out; 0: it is not there. */
  readonly keyUntil: number;
}

export interface OldChange {
  readonly from: Status;
  readonly to: Status;
  readonly reason: string;
}

export interface OldAlert {
  readonly service: string;
  readonly silentMs: number | null;
  readonly allowedMs: number;
}

export function oldHost(now: number): OldState {
  return { status: 1, loadedAt: now, looked: {}, keyUntil: 0 };
}

/** `services` in the order of the original's dict: the last one that is late wins. */
export function oldPass(
  state: OldState,
  services: readonly { readonly name: string; readonly intervalMs: number }[],
  reports: Readonly<Record<string, number>>,
  now: number,
): { readonly state: OldState; readonly changes: readonly OldChange[]; readonly alerts: readonly OldAlert[] } {
  const changes: OldChange[] = [];
  const alerts: OldAlert[] = [];
  let { status, keyUntil } = state;
  const looked = new Map(Object.entries(state.looked));
  const become = (to: Status, reason: string) => {
    if (to !== status) changes.push({ from: status, to, reason });
    status = to;
  };
  for (const { name, intervalMs } of services) {
    const before = looked.get(name);
    if (before !== undefined && now - before < intervalMs) continue;
    looked.set(name, now);
    const last = reports[name];
    const allowedMs = intervalMs + toleranceMs;
    if (last !== undefined && now - last <= allowedMs) continue;
    alerts.push({ service: name, silentMs: last === undefined ? null : now - last, allowedMs });
    keyUntil = now + triggerKeyMs;
    if (last === undefined) become(5, `${name} no data at all`);
    else become(name === aliveService ? 3 : 5, `${name} late`);
  }
  if (now - state.loadedAt > armedAfterMs && keyUntil <= now) become(1, 'no trigger keys');
  return { state: { ...state, status, looked: Object.fromEntries(looked), keyUntil }, changes, alerts };
}
