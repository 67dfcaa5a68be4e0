import type { SpoolerStatus } from './status.ts';

export interface VerdictLimits {
  /** Seconds since the status was written. */
  readonly age: readonly [warning: number, critical: number];
  /** Seconds that a deferred notification has waited. */
  readonly deferredAge: readonly [warning: number, critical: number];
  /** Notifications that wait to be sent. */
  readonly waiting: readonly [warning: number, critical: number];
}

export const defaultLimits: VerdictLimits = { age: [30, 90], deferredAge: [5, 600], waiting: [10_000, 100_000] };

export interface Verdict {
  readonly code: 0 | 1 | 2 | 3;
  readonly lines: readonly string[];
  readonly perfdata: string;
}

interface Finding {
  readonly code: 0 | 1 | 2;
  readonly text: string;
}

/**
 * What a monitoring system should think of a status, worst first. The critical bound is looked at before the warning one: in
 * Checkmk's own check a deferred notification can never become critical. A site that should be connected and is not is critical, where Checkmk's
 * services of vanished connections only go stale.
 */
export function judge(status: SpoolerStatus, nowMs: number, limits: VerdictLimits, expected: readonly string[]): Verdict {
  const age = Math.max(0, (nowMs - status.updatedMs) / 1000);
  const { New, Deferred, Corrupted } = status.spools;
  const deferredAge = Deferred.oldestMs === null ? 0 : Math.max(0, (nowMs - Deferred.oldestMs) / 1000);
  const connected = new Set(
    status.connections.flatMap((each) => (each.state === 'established' ? [each.peer ?? each.address] : [])),
  );
  const missing = [...new Set([...status.expectedPeers, ...expected])].filter((peer) => !connected.has(peer));
  const findings: Finding[] = [
    { code: grade(age, limits.age), text: `status written ${Math.round(age)} s ago` },
    ...missing.map((peer) => ({ code: 2 as const, text: `${peer} is not connected` })),
    ...status.connections.flatMap(connectionFinding),
    { code: grade(New.count, limits.waiting), text: `${New.count} wait to be sent` },
  ];
  if (Deferred.count > 0)
    findings.push({
      code: grade(deferredAge, limits.deferredAge),
      text: `${Deferred.count} deferred, the oldest for ${Math.round(deferredAge)} s`,
    });
  if (Corrupted.count > 0) findings.push({ code: 1, text: `${Corrupted.count} corrupted` });
  if (status.listening !== null && 'fault' in status.listening)
    findings.push({ code: 2, text: `cannot listen: ${status.listening.fault}` });
  findings.sort((a, b) => b.code - a.code);
  const code = findings[0]?.code ?? 0;
  const told =
    code === 0
      ? [`${status.role} ${status.site}, ${connected.size} connected`]
      : findings.filter((each) => each.code > 0).map((each) => each.text);
  return { code, lines: told, perfdata: perfdata(status, limits, age, deferredAge, connected.size) };
}

function grade(value: number, [warning, critical]: readonly [number, number]): 0 | 1 | 2 {
  return value >= critical ? 2 : value >= warning ? 1 : 0;
}

/** Only of connections that we dial: one that the other side no longer opens is told by who is expected. */
function connectionFinding({ state, type, address, message }: SpoolerStatus['connections'][number]): Finding[] {
  if (type === 'incoming' || state === 'established') return [];
  const why = message === null ? '' : `: ${message}`;
  return [{ code: state === 'initial' ? 1 : 2, text: `${address} is ${state}${why}` }];
}

function perfdata(status: SpoolerStatus, limits: VerdictLimits, age: number, deferredAge: number, connected: number): string {
  const { New, Deferred, Corrupted } = status.spools;
  const sum = (name: 'sent' | 'received' | 'pending') => status.connections.reduce((total, each) => total + each[name], 0);
  return [
    `last_updated=${age.toFixed(1)}s;${limits.age.join(';')}`,
    `new_files=${New.count};${limits.waiting.join(';')}`,
    `deferred_files=${Deferred.count}`,
    `deferred_age=${deferredAge.toFixed(1)}s;${limits.deferredAge.join(';')}`,
    `corrupted_files=${Corrupted.count};1`,
    `connected=${connected}`,
    `sent=${sum('sent')}c`,
    `received=${sum('received')}c`,
    `pending=${sum('pending')}`,
    `arrived=${status.arrived}`,
  ].join(' ');
}
