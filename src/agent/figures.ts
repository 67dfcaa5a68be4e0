import type { SinkConfig } from '../config/sink-config.ts';
import type { Member, Unit } from '../coordination/group.ts';
import type { Clock } from '../lib/clock.ts';
import type { Lane, LaneStatus } from '../pipeline/lane.ts';
import { createTally, type Tally } from '../pipeline/tally.ts';
import type { Emit, EventName, Facts } from '../telemetry/events.ts';
import { redact } from '../telemetry/redact.ts';

/** What an agent says of its sinks, targets and inputs with each heartbeat, so that any agent can show all of them. */
export interface MemberFigures {
  /** When this was counted, on a clock of the agent that never steps: for rates. */
  readonly at: number;
  readonly sinks: readonly SinkFigures[];
  readonly lanes: readonly LaneFigures[];
  readonly inputs: readonly InputFigures[];
  /** Keys with state, of the partitions it runs. */
  readonly keys: Readonly<Record<Unit, number>>;
}

export interface SinkFigures {
  readonly sink: string;
  readonly from: SinkConfig['from'];
  readonly direct: boolean;
  readonly applied: number;
}

export interface LaneFigures extends LaneStatus {
  readonly sink: string;
  readonly kind: string;
  readonly accepted: number;
  readonly retries: number;
  readonly deadLetters: number;
  readonly dropped: number;
}

export interface InputFigures {
  readonly input: string;
  readonly kind: string;
  readonly state: 'starting' | 'connected' | 'disconnected' | 'blocked';
  readonly detail: string | null;
  readonly since: number;
}

interface LaneCounts {
  accepted: number;
  retries: number;
  deadLetters: number;
  dropped: number;
}

interface SinkPart {
  readonly config: SinkConfig;
  readonly direct: boolean;
  readonly tally: Tally;
  lanes: readonly Lane[];
}

const fact = 'figures';
/** Every heartbeat carries them: what is beyond is shown by the agent's own metrics only. */
const mostLanes = 200;
const mostUnits = 2_000;
const longestText = 200;

/** What this process counts, by sink and target, from what it tells and from its lanes. */
export class Figures {
  readonly #clock: Clock;
  /** Of the listeners, whose messages belong to no sink. */
  readonly own: Tally = createTally();
  readonly #sinks = new Map<string, SinkPart>();
  readonly #counts = new Map<string, LaneCounts>();
  readonly #inputs = new Map<string, InputFigures>();
  readonly #keys = new Map<Unit, () => number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same, heard by us. */
  hearing(emit: Emit): Emit {
    return (name, facts) => {
      this.#hear(name, facts as Facts<EventName>);
      emit(name, facts);
    };
  }

  /** What the sink counts from now on, on top of what one of this name has counted before. */
  sink(config: SinkConfig, direct: boolean): Tally {
    const tally = this.#sinks.get(config.sink)?.tally ?? createTally();
    this.#sinks.set(config.sink, { config, direct, tally, lanes: [] });
    return tally;
  }

  /** It is gone; what it has counted stays in the sums. */
  forget(sink: string): void {
    const tally = this.#sinks.get(sink)?.tally;
    if (tally === undefined) return;
    for (const name of Object.keys(tally) as (keyof Tally)[]) this.own[name] += tally[name];
    this.#sinks.delete(sink);
  }

  lanes(sink: string, lanes: readonly Lane[]): void {
    const part = this.#sinks.get(sink);
    if (part !== undefined) part.lanes = lanes;
  }

  input(input: string, kind: string): void {
    this.#inputs.set(input, { input, kind, state: 'starting', detail: null, since: this.#clock.now() });
  }

  /** `keys`: asked as long as the returned function was not called. */
  runs(unit: Unit, keys: () => number): () => void {
    this.#keys.set(unit, keys);
    return () => {
      if (this.#keys.get(unit) === keys) this.#keys.delete(unit);
    };
  }

  /** Over all sinks. */
  total(): Tally {
    const sum = { ...this.own };
    for (const { tally } of this.#sinks.values())
      for (const name of Object.keys(sum) as (keyof Tally)[]) sum[name] += tally[name];
    return sum;
  }

  bySink(): readonly SinkFigures[] {
    return [...this.#sinks.values()].map(({ config, direct, tally }) => ({
      sink: config.sink,
      from: config.from,
      direct,
      applied: tally.applied,
    }));
  }

  facts(): Readonly<Record<string, string>> {
    const lanes = [...this.#sinks.values()].flatMap(({ config, lanes }) => lanes.map((lane) => this.#lane(config, lane)));
    const figures: MemberFigures = {
      at: Math.round(this.#clock.monotonic()),
      sinks: this.bySink().slice(0, mostLanes),
      lanes: lanes.slice(0, mostLanes),
      inputs: [...this.#inputs.values()].slice(0, mostLanes),
      keys: Object.fromEntries([...this.#keys].slice(0, mostUnits).map(([unit, keys]) => [unit, keys()])),
    };
    return { [fact]: JSON.stringify(figures) };
  }

  #lane(config: SinkConfig, lane: Lane): LaneFigures {
    const status = lane.status();
    const kind = config.publish.find(({ name }) => name === lane.name)?.kind ?? '';
    const lastError = status.lastError === null ? null : redact(status.lastError).slice(0, longestText);
    return { ...status, lastError, sink: config.sink, kind, ...this.#count(config.sink, lane.name) };
  }

  #count(sink: string, publisher: string): LaneCounts {
    const key = `${sink}/${publisher}`;
    const known = this.#counts.get(key) ?? { accepted: 0, retries: 0, deadLetters: 0, dropped: 0 };
    this.#counts.set(key, known);
    return known;
  }

  #hear(name: EventName, facts: object): void {
    const {
      sink = '',
      publisher = '',
      input = '',
      items = 0,
      detail = null,
    } = facts as Partial<{
      readonly sink: string;
      readonly publisher: string;
      readonly input: string;
      readonly items: number;
      readonly detail: string;
    }>;
    if (name === 'publish:accepted') this.#count(sink, publisher).accepted += items;
    else if (name === 'publish:retry') this.#count(sink, publisher).retries += 1;
    else if (name === 'publish:dead-letter') this.#count(sink, publisher).deadLetters += items;
    else if (name === 'publish:dropped') this.#count(sink, publisher).dropped += items;
    else if (name === 'input:connected' || name === 'input:unblocked') this.#turned(input, 'connected', detail);
    else if (name === 'input:disconnected') this.#turned(input, 'disconnected', detail);
    else if (name === 'input:blocked') this.#turned(input, 'blocked', detail);
  }

  #turned(input: string, state: InputFigures['state'], detail: string | null): void {
    const known = this.#inputs.get(input);
    if (known === undefined) return;
    const text = detail === null ? null : redact(detail).slice(0, longestText);
    this.#inputs.set(input, { ...known, state, detail: text, since: this.#clock.now() });
  }
}

/** Null of a member that says nothing of itself: an older build. */
export function figuresOf(member: Member): MemberFigures | null {
  const text = member.facts[fact];
  return text === undefined ? null : (JSON.parse(text) as MemberFigures);
}
