import type { Told } from '../admin/agent-view.ts';
import type { Clock } from '../lib/clock.ts';
import { type Emit, type EventName, events } from '../telemetry/events.ts';
import { RateLimit } from '../telemetry/rate-limit.ts';
import { redactFacts } from '../telemetry/redact.ts';
import { repeatKey } from '../telemetry/telemetry.ts';

const mostTold = 200;
const repeatMs = 10_000;

/** What the agent told lately, as its log has it: without secrets, and a warning that repeats only now and then. */
export class ToldLately {
  readonly #clock: Clock;
  readonly #all: Told[] = [];
  readonly #limit = new RateLimit(repeatMs);
  readonly #listeners = new Set<(told: Told) => void>();
  #next = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get all(): readonly Told[] {
    return this.#all;
  }

  /** The same, heard by us. */
  hearing(emit: Emit): Emit {
    return (name, facts) => {
      this.#hear(name, facts as Readonly<Record<string, unknown>>);
      emit(name, facts);
    };
  }

  listen(heard: (told: Told) => void): () => void {
    this.#listeners.add(heard);
    return () => {
      this.#listeners.delete(heard);
    };
  }

  #hear(name: EventName, facts: Readonly<Record<string, unknown>>): void {
    const { level, message } = events[name];
    if (level === 'trace' || level === 'debug') return;
    const held = level === 'warn' ? this.#limit.pass(repeatKey(name, facts), this.#clock.monotonic()) : 0;
    if (held === null) return;
    const shown = { ...redactFacts(facts), ...(held > 0 ? { suppressed: held } : {}) };
    const told: Told = { id: this.#next++, at: this.#clock.now(), name, level, message, facts: shown };
    this.#all.push(told);
    if (this.#all.length > mostTold) this.#all.shift();
    for (const heard of this.#listeners) heard(told);
  }
}
