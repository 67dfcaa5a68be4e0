import type { LeaseToken, Unit } from '../../src/coordination/group.ts';
import { parseItemLines } from '../../src/core/convert/wire.ts';
import { itemId } from '../../src/model/item.ts';
import type { Commit } from '../../src/state/partition-store.ts';
import type { World } from './world.ts';

interface Grant {
  readonly token: LeaseToken;
  expiresAt: number;
  released: boolean;
}

/**
 * What truly happened, kept apart from what the store believes, and never taken back. It knows each guard's promise and tells at once when an
 * effect breaks it.
 */
export class Ledger {
  readonly #world: World;
  readonly #grants = new Map<Unit, Grant>();
  /** Per unit and output id, its content and the version that brought it out. */
  readonly #durable = new Map<string, { readonly line: string; readonly version: number }>();
  readonly published = new Set<string>();
  /** The store lost what it had answered for: outputs of that past are nobody's any more. */
  lostHistory = false;
  deliveries = 0;
  commits = 0;
  /** By how much partition time may be ahead of true time: 2 s per clock that was stepped. */
  steppedMs = 0;
  clockSetBack = false;

  constructor(world: World) {
    this.#world = world;
  }

  granted(token: LeaseToken, serverTime: number, expiresAt: number): void {
    const before = this.#grants.get(token.unit);
    if (before !== undefined) {
      const { epoch, incarnation, agent, boot } = before.token;
      if (token.epoch <= epoch) this.#world.wrong('I4', `${token.unit}: epoch ${token.epoch} granted after ${epoch}`);
      const other = agent !== token.agent || boot !== token.boot;
      if (other && !before.released && before.expiresAt > serverTime && incarnation === token.incarnation)
        this.#world.wrong('I5', `${token.unit}: granted to ${token.boot} while ${boot} holds it`);
    }
    this.#grants.set(token.unit, { token, expiresAt, released: false });
    this.#world.tell(() => `${token.unit} granted to ${token.boot}, epoch ${token.epoch}`);
  }

  renewed(token: LeaseToken, expiresAt: number): void {
    const grant = this.#grants.get(token.unit);
    if (grant !== undefined && same(grant.token, token)) grant.expiresAt = expiresAt;
  }

  released(token: LeaseToken): void {
    const grant = this.#grants.get(token.unit);
    if (grant !== undefined && same(grant.token, token)) grant.released = true;
  }

  /** An effect passed the guard. */
  accepted(token: LeaseToken, incarnation: number, recovered: boolean): void {
    const grant = this.#grants.get(token.unit);
    if (!recovered) this.#world.wrong('I5', `${token.unit}: an effect on a store that was restarted and not recovered`);
    else if (grant === undefined || !same(grant.token, token) || token.incarnation !== incarnation)
      this.#world.wrong('I5', `${token.unit}: an effect under the stale token of ${token.boot}, epoch ${token.epoch}`);
  }

  /** The owner, and nobody else, is waiting for this answer. */
  conflicted(token: LeaseToken): void {
    const grant = this.#grants.get(token.unit);
    if (grant !== undefined && same(grant.token, token) && !grant.released)
      this.#world.wrong('I4', `${token.unit}: the rightful owner was told of a conflict`);
  }

  committed(unit: Unit, from: number, to: number): void {
    this.commits += 1;
    if (to !== from + 1) this.#world.wrong('I4', `${unit}: version ${to} after ${from}`);
  }

  durable(unit: Unit, version: number, { outbox, cursor }: Commit): void {
    const sink = sinkOf(unit);
    const { clock } = JSON.parse(cursor) as { readonly clock: { readonly partitionMs: number } };
    if (clock.partitionMs > this.#world.now + this.steppedMs)
      this.#world.wrong('I7', `${unit} has lived for ${clock.partitionMs} ms of its own time`);
    for (const line of (outbox[0]?.text ?? '').split('\n')) {
      if (line === '') continue;
      const key = `${sink} ${idOf(line)}`;
      const before = this.#durable.get(key);
      if (before !== undefined && !this.lostHistory)
        this.#world.wrong('I3', `${key} came out of version ${before.version} and of version ${version} of ${unit}`);
      this.#durable.set(key, { line, version });
    }
  }

  delivered(sink: string, lines: readonly string[]): void {
    if (this.lostHistory) return;
    for (const line of lines) {
      this.deliveries += 1;
      const key = `${sink} ${idOf(line)}`;
      const known = this.#durable.get(key);
      if (known === undefined) this.#world.wrong('I1', `${key} was published, and no durable commit holds it`);
      else if (known.line !== line) this.#world.wrong('I3', `${key} was published with another content: ${line}`);
      this.published.add(key);
    }
  }

  isDurable(key: string): boolean {
    return this.#durable.has(key);
  }
}

function sinkOf(unit: Unit): string {
  return unit.split('.')[2] ?? unit;
}

export function idOf(line: string): string {
  const [item] = parseItemLines(`${line}\n`);
  return item === undefined ? line : itemId(item);
}

function same(a: LeaseToken, b: LeaseToken): boolean {
  return a.agent === b.agent && a.boot === b.boot && a.epoch === b.epoch && a.incarnation === b.incarnation;
}
