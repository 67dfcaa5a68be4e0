import type { Event } from '../../model/event.ts';
import { Float, isNumeric, type Json, type JsonObject, toFloat } from '../../model/json.ts';
import type { Notification, Priority } from '../../model/notification.ts';
import type { Sample } from '../../model/sample.ts';
import { canonicalParts, stableIdOf } from '../../model/stable-hash.ts';
import { isTruthy } from '../python/compare.ts';
import { toNaiveUtc } from '../python/datetime.ts';
import { pyFloat } from '../python/number.ts';
import { PythonError } from '../python/python-error.ts';
import { pyStr } from '../python/text.ts';
import { NotificationDocument } from './document.ts';
import { type SampleDraft, toSample } from './draft.ts';
import type { SampleEndpoint } from './endpoints/endpoint.ts';
import { httpEndpoint } from './endpoints/http-request.ts';
import { ipmiEndpoint } from './endpoints/ipmi.ts';
import { telemetryPolling } from './endpoints/telemetry-polling.ts';
import type { EventDefinition } from './event-definition.ts';
import { compileEvents } from './events.ts';
import { compileMeters, type DefinitionFile } from './meters.ts';

// A notification becomes samples (priorities info and sample) and an event (info and error); other priorities are consumed and yield
// nothing. What happens when a definition cannot handle what it found:
//
// | stage   | compat                                                   | native |
// |---------|----------------------------------------------------------|--------|
// | samples | no samples, no event, requeue (for ever, at Ceilometer)  | no samples, the event stands, a problem for the dead letters |
// | event   | no event; ack, or requeue with `ackOnEventError: false`  | no event, the samples stand, a problem |

export interface ConverterOptions {
  /** Exactly Ceilometer, its defects included. Default: false. */
  readonly compat?: boolean;
  readonly sampleSource?: string;
  /** Priorities (lower case) whose events carry the whole notification in `raw`. */
  readonly storeRaw?: readonly string[];
  /** Compat only. Default: true. */
  readonly ackOnEventError?: boolean;
  /** Notifications without a matching definition yield no event. Default: false. */
  readonly dropUnmatched?: boolean;
  readonly reservedMetadataNamespace?: readonly string[];
  readonly reservedMetadataLength?: number;
  readonly reservedMetadataKeys?: readonly string[];
  readonly samplePriorities?: readonly Priority[];
  readonly eventPriorities?: readonly Priority[];
}

export interface Problem {
  readonly stage: 'samples' | 'events';
  readonly code: string;
  readonly message: string;
}

export interface Conversion {
  readonly samples: readonly Sample[];
  readonly events: readonly Event[];
  readonly verdict: 'ack' | 'requeue';
  readonly problems: readonly Problem[];
  /** Samples left out because their volume was null or no number, as Ceilometer does with a warning. */
  readonly dropped: number;
}

export interface Converter {
  readonly convert: (notification: Notification) => Conversion;
  /** What the definitions' authors should know: names defined twice, definitions left out (compat). */
  readonly warnings: readonly string[];
}

export interface ConverterDefinitions {
  readonly meters: readonly DefinitionFile[];
  readonly events: readonly DefinitionFile[];
  readonly options?: ConverterOptions;
}

const builtIn: readonly SampleEndpoint[] = [
  telemetryPolling,
  ipmiEndpoint('Current'),
  ipmiEndpoint('Fan'),
  ipmiEndpoint('Temperature'),
  ipmiEndpoint('Voltage'),
  httpEndpoint('http.request'),
  httpEndpoint('http.response'),
];

/** What of the definitions concerns one event type; found once, since matching 38 regular expressions costs more than converting. */
interface Route {
  readonly endpoints: readonly (readonly SampleEndpoint[])[];
  readonly event: EventDefinition | undefined;
}
const mostRoutes = 4096;
/** Longer event types are no sender's: remembered, 4,096 of 64 KiB would take 256 MiB. */
const longestRouted = 256;

/** Compiles definitions to closures. Throws a fatal Fault `bad_definition`, see `compileMeters` and `compileEvents`. */
export function createConverter({ meters, events, options = {} }: ConverterDefinitions): Converter {
  const { compat = false, ackOnEventError = true, dropUnmatched = false, sampleSource = 'openstack' } = options;
  const samplePriorities = new Set<string>(options.samplePriorities ?? ['info', 'sample']);
  const eventPriorities = new Set<string>(options.eventPriorities ?? ['info', 'error']);
  const storeRaw = new Set((options.storeRaw ?? []).map((priority) => priority.toLowerCase()));
  const reserved = {
    namespace: options.reservedMetadataNamespace ?? ['metering.'],
    length: options.reservedMetadataLength ?? 256,
    keys: options.reservedMetadataKeys ?? [],
  };
  const compiled = compileMeters(meters, { compat, reserved });
  const eventDefinitions = compileEvents(events, { dropUnmatched });
  const routes = new Map<string, Route>();

  const routeOf = (eventType: string): Route => {
    const known = routes.get(eventType);
    if (known !== undefined) return known;
    const matching = builtIn.filter((endpoint) => endpoint.matches(eventType)).map((endpoint) => [endpoint]);
    const route: Route = {
      // The meters of all files are one endpoint, the last.
      endpoints: [...matching, compiled.definitions.filter((definition) => definition.matches(eventType))],
      event: eventDefinitions.find((definition) => definition.matches(eventType)),
    };
    if (eventType.length > longestRouted) return route;
    if (routes.size >= mostRoutes) routes.clear();
    routes.set(eventType, route);
    return route;
  };

  const convert = (notification: Notification): Conversion => {
    let route: Route;
    try {
      route = routeOf(notification.event_type);
    } catch (error) {
      // An operator's pattern needs more steps on this event type than any may take.
      return { samples: [], events: [], verdict: 'ack', problems: [problemOf('samples', error)], dropped: 0 };
    }
    const document = new NotificationDocument(notification);
    const problems: Problem[] = [];
    let samples: readonly Sample[] = [];
    let events: readonly Event[] = [];
    let dropped = 0;
    if (samplePriorities.has(notification.priority)) {
      const ids = new SampleIds(notification.message_id);
      const built: Sample[] = [];
      try {
        // An endpoint publishes all of its samples or none; what an earlier one published stays.
        for (const endpoint of route.endpoints) {
          const valid: SampleDraft[] = [];
          for (const definition of endpoint) {
            for (const draft of definition.build(document)) {
              if (hasVolume(checkName(draft))) valid.push(draft);
              else dropped += 1;
            }
          }
          for (const draft of valid) built.push(finishSample(draft, ids, sampleSource, compat));
        }
        samples = built;
      } catch (error) {
        problems.push(problemOf('samples', error));
        if (compat) return { samples: built, events, verdict: 'requeue', problems, dropped };
      }
    }
    if (route.event !== undefined && eventPriorities.has(notification.priority)) {
      try {
        events = [buildEvent(document, route.event, storeRaw, compat)];
      } catch (error) {
        problems.push(problemOf('events', error));
        if (compat && !ackOnEventError) return { samples, events, verdict: 'requeue', problems, dropped };
      }
    }
    return { samples, events, verdict: 'ack', problems, dropped };
  };
  return { convert, warnings: compiled.warnings };
}

function problemOf(stage: Problem['stage'], error: unknown): Problem {
  if (!(error instanceof PythonError)) throw error;
  return { stage, code: 'bad_value', message: error.message };
}

/** Sources match names by glob, and Python's glob raises for anything but a text. */
function checkName(draft: SampleDraft): SampleDraft {
  if (typeof draft.name !== 'string')
    throw new PythonError('TypeError', `the name of a sample is ${pyStr(draft.name).slice(0, 80)}`);
  return draft;
}

/** False for what Ceilometer drops: no volume, or a text that is no number. Other volumes that are no numbers raise. */
function hasVolume({ volume }: SampleDraft): boolean {
  if (volume === null) return false;
  if (isNumeric(volume) || typeof volume === 'boolean') return true;
  try {
    pyFloat(volume);
    return true;
  } catch (error) {
    if (error instanceof PythonError && error.kind === 'ValueError') return false;
    throw error;
  }
}

/** Ids are a pure function of the message id, the meter's name and which of that name it is: other meters may come and go. */
class SampleIds {
  readonly #message: string;
  readonly #given: string[] = [];
  #counts: Map<string, number> | undefined;
  constructor(messageId: string) {
    this.#message = canonicalParts([messageId]);
  }
  next(name: string): string {
    return stableIdOf(this.#message + canonicalParts([name, `${this.#earlier(name)}`]));
  }
  /** How many of that name came before. Most notifications have a handful of samples of different names. */
  #earlier(name: string): number {
    if (this.#counts === undefined && this.#given.length < 8 && !this.#given.includes(name)) {
      this.#given.push(name);
      return 0;
    }
    this.#counts ??= new Map(this.#given.map((given) => [given, 1]));
    const earlier = this.#counts.get(name) ?? 0;
    this.#counts.set(name, earlier + 1);
    return earlier;
  }
}

function finishSample(draft: SampleDraft, ids: SampleIds, defaultSource: string, compat: boolean): Sample {
  const name = draft.name as string;
  const own = draft.id;
  const id = typeof own === 'string' && own !== '' ? own : ids.next(name);
  const source = isTruthy(draft.source) ? (draft.source as string) : defaultSource;
  return compat ? toSample(draft, name, id, source) : toSample(strictDraft(draft), name, id, pyStr(source));
}

/** Natively a sample's texts are texts: numbers are written out, and a sample about nothing or at no time is refused. */
function strictDraft(draft: SampleDraft): SampleDraft {
  if (draft.resource_id === null) throw new PythonError('ValueError', `${pyStr(draft.name).slice(0, 80)} has no resource_id`);
  // A text that counts as a number stays a text, but `nan` and `inf` are no more volumes as texts.
  refuseEndless(typeof draft.volume === 'string' ? toFloat(pyFloat(draft.volume)) : draft.volume);
  requireTime(draft.timestamp); // a polling agent's own is not read before
  const { unit, resource_id, user_id, user_name, project_id, project_name } = draft;
  if (isText(unit) && isText(resource_id) && [user_id, user_name, project_id, project_name].every(isTextOrNull)) return draft;
  return {
    ...draft,
    unit: pyStr(unit),
    resource_id: pyStr(resource_id),
    user_id: textOrNull(user_id),
    user_name: textOrNull(user_name),
    project_id: textOrNull(project_id),
    project_name: textOrNull(project_name),
  };
}

let lastTime: Json = null;

/** The samples of a notification mostly have one time: a text that is one need not be read again. */
function requireTime(value: Json): void {
  if (value === lastTime && value !== null) return;
  toNaiveUtc(value);
  lastTime = value;
}

function isText(value: Json): boolean {
  return typeof value === 'string';
}

function isTextOrNull(value: Json): boolean {
  return value === null || typeof value === 'string';
}

function textOrNull(value: Json): string | null {
  return value === null ? null : pyStr(value);
}

/** JSON has no infinite numbers: what is not finite is refused here, not when it is printed. */
function refuseEndless(value: Json): void {
  if (value instanceof Float && !Number.isFinite(value.value)) throw new PythonError('ValueError', `the value is ${value.value}`);
}

function buildEvent(
  document: NotificationDocument,
  definition: EventDefinition,
  storeRaw: ReadonlySet<string>,
  compat: boolean,
): Event {
  const { message_id, event_type, timestamp, priority } = document.notification;
  const generated = toNaiveUtc(timestamp);
  const traits = definition.traits(document.root);
  if (!compat) for (const trait of traits) refuseEndless(trait[2]);
  const raw: JsonObject = storeRaw.has(priority) ? document.root : {};
  return { message_id, event_type, generated, traits, raw };
}
