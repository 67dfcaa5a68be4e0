import type { Member, Unit } from '../coordination/group.ts';
import type { Clock } from '../lib/clock.ts';
import { classify } from '../model/faults.ts';
import type { AssignmentEvent } from '../pipeline/assignment-loop.ts';
import type { WorkerEvent } from '../pipeline/worker.ts';

/** Why a partition does not go on. */
export interface Trouble {
  /** `failed`: it cannot run and is tried again. `gap`: it holds entries that it cannot apply yet. */
  readonly kind: 'failed' | 'gap';
  /** With the remedy, for an operator. */
  readonly text: string;
}

const prefix = 'trouble.';
/** A gap closes within a second in ordinary life. */
const gapAfterMs = 5_000;
/** A heartbeat carries them, so they are few and short; what is left out is in the log of the agent. */
const mostTroubles = 50;
const longestText = 400;

/** What stands still here, for the member record: `status` of any machine reads it there. */
export class Troubles {
  readonly #clock: Clock;
  readonly #failed = new Map<Unit, string>();
  readonly #gaps = new Map<Unit, { readonly since: number; held: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ofAssignment(event: AssignmentEvent): void {
    if (event.kind === 'failed') this.#failed.set(event.unit, classify(event.error).message);
    // One that another agent runs now is no trouble of ours.
    if (event.kind === 'planned') this.#failed.clear();
    if (event.kind === 'released' || event.kind === 'lost') this.#gaps.delete(event.unit);
  }

  ofWorker(unit: Unit, event: WorkerEvent): void {
    if (event.kind === 'running') this.#failed.delete(unit);
    if (event.kind === 'gap-closed') this.#gaps.delete(unit);
    if (event.kind !== 'gap') return;
    const known = this.#gaps.get(unit);
    if (known === undefined) this.#gaps.set(unit, { since: this.#clock.monotonic(), held: event.held });
    else known.held = event.held;
  }

  facts(): Readonly<Record<string, string>> {
    const now = this.#clock.monotonic();
    const troubles: (readonly [Unit, Trouble])[] = [];
    for (const [unit, text] of this.#failed) troubles.push([unit, { kind: 'failed', text: text.slice(0, longestText) }]);
    for (const [unit, { since, held }] of this.#gaps)
      if (now - since >= gapAfterMs) troubles.push([unit, { kind: 'gap', text: gapText(held, now - since) }]);
    return Object.fromEntries(
      troubles.slice(0, mostTroubles).map(([unit, trouble]) => [`${prefix}${unit}`, JSON.stringify(trouble)] as const),
    );
  }
}

function gapText(held: number, ms: number): string {
  return (
    `holds ${held} entries because one before them is missing, for ${Math.round(ms / 1_000)} s. It goes on without that one with the next entry ` +
    'after 30 s, and says so (partition:passed-over); nothing to do unless this comes again and again'
  );
}

/** The owner's word; of one without an owner, anybody's who tried. */
export function troubleOf(unit: Unit, owner: string | null, members: readonly Member[]): Trouble | null {
  const known = members.filter(({ facts }) => facts[prefix + unit] !== undefined);
  const text = known.find(({ agent }) => owner === null || agent === owner)?.facts[prefix + unit];
  return text === undefined ? null : (JSON.parse(text) as Trouble);
}
