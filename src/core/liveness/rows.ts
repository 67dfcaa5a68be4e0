import type { JsonObject } from '../../model/json.ts';
import type { States } from '../transformers/transformer.ts';
import { fromJson as definitionFrom, type HostDefinition } from './host-definition.ts';
import { type HostState, fromJson as stateFrom } from './host-state.ts';
import type { Reports } from './host-turn.ts';

/**
 * The rows of a partition: `d:<host>` what is expected of it, `r:<host>` its last reports, `s:<host>` its state. Apart, because a
 * report writes only the second.
 * `b` is when the newest host was first expected.
 * `m` is when partition time moved last: `p` partition ms, `n` wall clock, `g` the partition ms that nobody could be heard before, `f` 1 once
 * it was told that it stands.
 */
export type Rows = States<JsonObject>;

export const meta = 'm';

export const newest = 'b';

export function lastBorn(rows: Rows): number {
  return (rows.get(newest)?.['born'] as number | undefined) ?? 0;
}

export interface Meta {
  readonly p: number;
  readonly n: number;
  readonly g: number;
  readonly f: 0 | 1;
}

export function metaOf(rows: Rows): Meta | undefined {
  return rows.get(meta) as Meta | undefined;
}

export function definitionOf(rows: Rows, host: string): HostDefinition | undefined {
  const row = rows.get(`d:${host}`);
  return row === undefined ? undefined : definitionFrom(row);
}

const noReports: Reports = {};

export function reportsOf(rows: Rows, host: string): Reports {
  return (rows.get(`r:${host}`) as Reports | undefined) ?? noReports;
}

export function stateOf(rows: Rows, host: string): HostState | undefined {
  const row = rows.get(`s:${host}`);
  return row === undefined ? undefined : stateFrom(row);
}

export function* hostsIn(rows: Rows): Generator<string> {
  for (const [key] of rows.entries()) if (key.startsWith('d:')) yield key.slice(2);
}
