import type { Event } from '../../model/event.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Output } from '../transformers/transformer.ts';
import type { Fact } from './announcement.ts';
import { transitionEvent } from './items.ts';

/**
 * What happens to many hosts at once, in one item: what their facts have in common stands in it once. A storm of a hundred thousand hosts is a
 * thousand items of 10 kB then, and not as many as there are hosts; the bus has to hold all of them at once.
 *
 *     { kind: 'lot', alike: [{ kind: 'down', status: 3, … }], each: [[0, 'web1', 1800000000000, '10.0.0.11', 7, …]] }
 */
const most = 100;

/** What is different for every host, in the order of a row of `each`, behind the place of the rest in `alike`. */
type Own = readonly [
  place: number,
  host: string,
  born: number,
  address: string,
  seq: number,
  incident: string,
  began: number,
  since: number,
  silentMs: number | null,
];

/** Of one partition and one moment, in their order. */
export function inLots(facts: readonly Fact[], nowMs: number): Output[] {
  const outputs: Output[] = [];
  for (let start = 0; start < facts.length; start += most) {
    const lot = facts.slice(start, start + most);
    const [first] = lot as [Fact];
    const basis = [first.host, `${first.born}`, `${first.seq}`];
    if (lot.length === 1) outputs.push({ item: transitionEvent(first.kind, first as unknown as JsonObject, nowMs), basis });
    else outputs.push({ item: transitionEvent('lot', lotOf(lot), nowMs), basis: ['lot', ...basis] });
  }
  return outputs;
}

function lotOf(facts: readonly Fact[]): JsonObject {
  const alike: Fact[] = [];
  const each = facts.map((fact): Own => {
    const { host, born, address, seq, incident, began, since, silentMs = null } = fact;
    const known = alike.findIndex((other) => isAlike(other, fact));
    return [known < 0 ? alike.push(fact) - 1 : known, host, born, address, seq, incident, began, since, silentMs];
  });
  return { kind: 'lot', alike: alike.map(rest), each } as unknown as JsonObject;
}

function rest({ host, born, address, seq, incident, began, since, silentMs, ...alike }: Fact): Partial<Fact> {
  return alike;
}

/** Names all that is not in `Own`. */
function isAlike(a: Fact, b: Fact): boolean {
  return (
    a.kind === b.kind &&
    a.at === b.at &&
    a.status === b.status &&
    a.was === b.was &&
    a.reason === b.reason &&
    a.service === b.service &&
    a.trigger === b.trigger &&
    a.severity === b.severity &&
    a.allowedMs === b.allowedMs &&
    isSameList(a.groups, b.groups) &&
    isSameList(a.parents, b.parents) &&
    isSameList(a.attached, b.attached)
  );
}

function isSameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.length === b.length && a.every((name, i) => name === b[i]));
}

/** What a transition's event says: one fact, or those of a lot. */
export function factsIn({ raw }: Event): readonly Fact[] {
  if (raw['kind'] !== 'lot') return [raw as unknown as Fact];
  const { alike, each } = raw as unknown as { alike: readonly Fact[]; each: readonly Own[] };
  return each.map(([place, host, born, address, seq, incident, began, since, silent]) => {
    const { groups, parents, kind, at, status, was, reason, service, trigger, allowedMs, attached, severity } = alike[
      place
    ] as Fact;
    const silentMs = silent ?? undefined;
    // One literal without anything spread, as in `Fact`s that are made: else V8 keeps each in a table of its own.
    return {
      host,
      born,
      address,
      groups,
      parents,
      kind,
      seq,
      at,
      status,
      was,
      reason,
      incident,
      began,
      since,
      service,
      trigger,
      silentMs,
      allowedMs,
      attached,
      severity,
    };
  });
}
