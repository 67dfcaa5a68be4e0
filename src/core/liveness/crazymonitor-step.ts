import { z } from 'zod';
import { type Item, isEvent } from '../../model/item.ts';
import { isObject, type JsonObject } from '../../model/json.ts';
import type { Output, TableResult, TableTransformer, Time } from '../transformers/transformer.ts';
import { type OldState, oldHost, oldPass, passMs } from './crazymonitor.ts';
import { fromJson, type HostDefinition, toJson } from './host-definition.ts';
import type { Transition } from './host-turn.ts';
import { itemSources, reportsIn, transitionEvent } from './items.ts';
import { definitionOf, hostsIn, type Rows, reportsOf } from './rows.ts';

/**
 * The original's loop in the place of ours: every host is looked at every three seconds of partition time. Rows as there, but `o:<host>` its
 * state, and `p` when the next pass is.
 */
export const crazymonitor: TableTransformer<object, JsonObject> = {
  name: 'crazymonitor',
  summary: 'Notices who no longer reports, as the original did.',
  takes: ['samples'],
  gives: () => 'events',
  scope: 'partition',
  Parameters: z.custom<object>(isObject),
  State: z.custom<JsonObject>(isObject),
  examples: [],
  partitionKeys: () => ['resource_id'],
  needsTime: () => true,
  forgets: () => true,
  step: (_, rows, item, time) => take(rows, item, time),
  flush: (_, rows, time) => pass(rows, time),
};

interface OldRow extends OldState {
  readonly seq: number;
  readonly born: number;
}

function take(rows: Rows, item: Item, time: Time): TableResult<JsonObject> {
  if (isEvent(item)) return dropped('not_a_report');
  const { source, resource_id: host, resource_metadata: data } = item;
  if (source === itemSources.host) {
    const definition = fromJson(data);
    const known = rows.get(`o:${definition.host}`);
    const row = known ?? { ...oldHost(time.partition), seq: 0, born: time.now };
    return {
      writes: [
        [`d:${definition.host}`, toJson(definition)],
        [`o:${definition.host}`, row as JsonObject],
      ],
      out: [],
    };
  }
  if (source === itemSources.roster) {
    const expected = new Set(data['hosts'] as readonly string[]);
    const gone = [...hostsIn(rows)].filter((each) => !expected.has(each));
    return { writes: gone.flatMap((each) => ['d', 'r', 'o'].map((kind) => [`${kind}:${each}`, null] as const)), out: [] };
  }
  const given = reportsIn(item);
  if (given === null) return dropped('not_a_report');
  const definition = definitionOf(rows, host);
  if (definition === undefined) return dropped('unknown_host', given.length);
  const known = given.filter(([service]) => definition.services.some(({ name }) => name === service));
  const heard = Object.fromEntries(known.map(([service]) => [service, time.partition]));
  const result = { writes: [[`r:${host}`, { ...reportsOf(rows, host), ...heard }]] as const, out: [] };
  const unknown = given.length - known.length;
  return unknown === 0 ? result : { ...result, dropped: [{ reason: 'unknown_service', count: unknown }] };
}

function dropped(reason: string, count = 1): TableResult<JsonObject> {
  return { writes: [], out: [], dropped: [{ reason, count }] };
}

function pass(rows: Rows, time: Time): TableResult<JsonObject> {
  const next = (rows.get('p')?.['at'] as number | undefined) ?? 0;
  if (time.partition < next) return { writes: [], out: [] };
  const writes: [string, JsonObject][] = [['p', { at: Math.floor(time.partition / passMs) * passMs + passMs }]];
  const out: Output[] = [];
  for (const host of hostsIn(rows)) {
    const definition = definitionOf(rows, host) as HostDefinition;
    const row = rows.get(`o:${host}`) as unknown as OldRow;
    const { state, changes, alerts } = oldPass(row, definition.services, reportsOf(rows, host), time.partition);
    let seq = row.seq;
    const tell = (kind: Transition['kind'], was: number, status: number, reason: string, more: JsonObject) => {
      seq += 1;
      const { address, groups, parents } = definition;
      const moment = { seq, at: time.now, since: time.now, began: time.now, incident: `${host}/${row.born}` };
      const facts = { host, born: row.born, address, groups, parents, kind, status, was, reason, ...moment, ...more };
      out.push({ item: transitionEvent(kind, facts, time.now), basis: [host, `${row.born}`, `${seq}`] });
    };
    for (const { from, to, reason } of changes) tell('state', from, to, reason, {});
    for (const { service, silentMs, allowedMs } of alerts)
      tell('late', state.status, state.status, silentMs === null ? `${service} no data at all` : `${service} late`, {
        service,
        allowedMs,
        ...(silentMs === null ? {} : { silentMs }),
      });
    writes.push([`o:${host}`, { ...state, seq, born: row.born }]);
  }
  return { writes, out };
}
