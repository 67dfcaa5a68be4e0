import { type Event, type Trait, traitTypes } from '../../model/event.ts';
import { statusWords } from './host-state.ts';
import type { Transition } from './host-turn.ts';
import { naive } from './items.ts';

/** A transition with who it happened to, as the partitions of the hosts tell it. */
export interface Fact extends Transition {
  readonly host: string;
  /** When it was first expected: with `seq` the number of the transition. */
  readonly born: number;
  readonly address: string;
  readonly groups: readonly string[];
  readonly parents: readonly string[];
  readonly severity?: string | undefined;
}

/** What pipelines get to see: `host.down`, `service.late`, … */
const eventTypes = {
  down: 'host.down',
  up: 'host.up',
  late: 'service.late',
  back: 'service.back',
  fired: 'trigger.fired',
  cleared: 'trigger.cleared',
} as const;

export type Announced = keyof typeof eventTypes;

export function isAnnounced(kind: string): kind is Announced {
  return Object.hasOwn(eventTypes, kind);
}

const phases = { down: 'down', up: 'up', late: 'down', back: 'up', fired: 'down', cleared: 'up' } as const;

/** One host, service or trigger. Every `service.late` says who, which service, how long silent and how long it may be. */
export function announcement(fact: Fact, more: Readonly<Record<string, string | number>> = {}): Event {
  const kind = fact.kind as Announced;
  const { attached = [] } = fact;
  return event(eventTypes[kind], fact.at, {
    host: fact.host,
    address: fact.address,
    group: fact.groups[0] ?? '',
    incident_id: incidentOf(fact),
    phase: phases[kind],
    status: statusWords[fact.status],
    reason: fact.reason,
    since: instant(fact.since),
    ...(fact.service === undefined ? {} : { service: fact.service }),
    ...(fact.trigger === undefined ? {} : { trigger: fact.trigger }),
    ...(fact.severity === undefined ? {} : { severity: fact.severity }),
    ...(fact.silentMs === undefined ? {} : { silent_seconds: Math.round(fact.silentMs / 1_000) }),
    ...(fact.allowedMs === undefined ? {} : { allowed_seconds: Math.round(fact.allowedMs / 1_000) }),
    ...(attached.length === 0 ? {} : { attached: listed(attached) }),
    ...(phases[kind] === 'up' ? { lasted_seconds: Math.round((fact.at - fact.since) / 1_000) } : {}),
    ...more,
  });
}

/** A host and each of its services have a thread of their own. */
function incidentOf({ incident, service, trigger, kind, host }: Fact): string {
  if (kind === 'down' || kind === 'up') return incident === '' ? host : incident;
  return `${incident === '' ? host : incident}/${service ?? trigger ?? ''}`;
}

export interface Storm {
  readonly id: string;
  /** Of the hosts, or `*`. */
  readonly group: string;
  readonly at: number;
  readonly since: number;
  readonly hosts: readonly string[];
  /** Of those that went down together, who still is. */
  readonly left: number;
}

/** Many hosts at once, as one. */
export function stormAnnouncement(
  phase: 'down' | 'up' | 'reminder',
  storm: Storm,
  more: Readonly<Record<string, string | number>> = {},
): Event {
  return event(phase === 'up' ? 'host.up' : 'host.down', storm.at, {
    host: storm.group === '*' ? 'many hosts' : `hosts of ${storm.group}`,
    address: '',
    group: storm.group,
    incident_id: storm.id,
    phase,
    status: phase === 'up' ? 'ok' : 'unreachable',
    reason: 'storm',
    since: instant(storm.since),
    hosts: storm.hosts.length,
    still_down: storm.left,
    sample: listed(storm.hosts),
    ...more,
  });
}

/** Nobody can be heard: an input is late, so no host is judged. */
export function feedLate(since: number, at: number): Event {
  return event('feed.late', at, {
    since: instant(since),
    incident_id: `feed/${since}`,
    silent_seconds: Math.round((at - since) / 1_000),
  });
}

function event(type: string, at: number, facts: Readonly<Record<string, string | number>>): Event {
  const traits = Object.entries(facts).map(
    ([name, value]): Trait => [name, typeof value === 'number' ? traitTypes.int : dtype(name), value],
  );
  return { message_id: '', event_type: type, generated: naive(at), traits, raw: {} };
}

function dtype(name: string): Trait[1] {
  return name === 'since' ? traitTypes.datetime : traitTypes.text;
}

function instant(epochMs: number): string {
  return naive(epochMs);
}

const shown = 20;

function listed(names: readonly string[]): string {
  const more = names.length - shown;
  return names.slice(0, shown).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
