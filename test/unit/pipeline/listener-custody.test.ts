import { expect, it } from 'vitest';
import type { Custody } from '../../../src/inputs/input.ts';
import { Fault } from '../../../src/model/faults.ts';
import { latch, message, Rig, until } from './listener-rig.ts';

class HandCustody implements Custody {
  readonly #lost = new AbortController();
  #silent = false;

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  holds(): boolean {
    return !this.#silent && !this.#lost.signal.aborted;
  }

  /** We have slept, and do not know more yet. */
  fallSilent(): void {
    this.#silent = true;
  }

  lose(): void {
    this.#lost.abort(new Fault('retryable', 'amqp_disconnected', 'the connection is gone'));
  }
}

it('appends nothing of what its source may have given to another, and numbers what follows anew', async () => {
  const rig = new Rig();
  const [gone, other] = [new HandCustody(), new HandCustody()];
  rig.append = (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  await rig.deliverUnder(gone, message('a'), message('b'));
  await until(() => rig.tally.received === 2);

  gone.lose();
  await until(() => rig.story.length === 2);
  rig.append = async () => undefined;
  await rig.deliverUnder(other, message('a'));
  await rig.end();

  expect(rig.story).toEqual(['back a', 'back b', 'append boot.1:1', 'settle a']);
  expect(rig.tally.abandoned).toBe(2);
});

it('hands nothing to its topics after a silence that it has slept through', async () => {
  const rig = new Rig();
  const custody = new HandCustody();
  const append = latch();
  rig.append = () => append.promise;
  await rig.deliverUnder(custody, message('a'));
  await until(() => rig.tally.received === 1);
  await rig.deliverUnder(custody, message('b'));

  custody.fallSilent();
  append.open();
  await rig.end();

  expect(rig.story).toEqual(['back a', 'back b']);
});

it('keeps what another connection delivered when one is lost', async () => {
  const rig = new Rig();
  const [gone, other] = [new HandCustody(), new HandCustody()];
  const append = latch();
  rig.append = () => append.promise;
  await rig.deliverUnder(gone, message('first'));
  await until(() => rig.tally.received === 1);
  await rig.deliverUnder(gone, message('a'));
  await rig.deliverUnder(other, message('b'));
  await rig.deliver(message('of a file'));

  append.open();
  await until(() => rig.story.includes('settle of a file'));
  gone.lose();
  await rig.end();

  expect(rig.entries.map(({ notifications }) => notifications.map(({ id }) => id))).toEqual([
    ['first'],
    ['a'],
    ['b'],
    ['of a file'],
  ]);
});

it('does not call proven what it numbered before', async () => {
  const rig = new Rig();
  const custody = new HandCustody();
  const proof = latch();
  rig.prove = () => proof.promise;
  await rig.deliverUnder(custody, message('a'));
  await until(() => rig.story.includes('settle a'));
  rig.append = (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  await rig.deliverUnder(custody, message('b'));
  await until(() => rig.tally.received === 2);
  custody.lose();
  await until(() => rig.story.includes('back b'));

  proof.open();
  rig.append = async () => undefined;
  await rig.deliver(message('c'));
  await rig.end();

  expect(rig.entries.map(({ listener, seq, proven }) => [listener, seq, proven])).toEqual([
    ['boot', 1, 0],
    ['boot.1', 1, 0],
  ]);
});
