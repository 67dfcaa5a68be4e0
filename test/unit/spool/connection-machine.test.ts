import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ConnectionRules,
  type ConnectionSignal,
  type ConnectionState,
  initialConnection,
  isSurplus,
  stepConnection,
} from '../../../src/core/spool/connection-machine.ts';

const rules = (changes: Partial<ConnectionRules> = {}): ConnectionRules => ({
  role: 'sink',
  dialled: true,
  connectTimeoutMs: 10_000,
  handshakeTimeoutMs: 10_000,
  heartbeatIntervalMs: 10_000,
  heartbeatTimeoutMs: 15_000,
  answerTimeoutMs: 30_000,
  cooldownMs: 4_000,
  jitterMs: 1_000,
  ...changes,
});

/** Follows one connection: signals at times, and what was done. */
class Walk {
  state: ConnectionState;
  now = 0;
  readonly done: string[] = [];
  readonly #rules: ConnectionRules;
  readonly #random: number;

  constructor(of: ConnectionRules, random = 0) {
    this.#rules = of;
    this.#random = random;
    this.state = initialConnection(of, 0);
  }

  give(...signals: readonly ConnectionSignal[]): this {
    for (const signal of signals) {
      const step = stepConnection(this.state, signal, this.now, this.#rules, this.#random);
      this.state = step.state;
      for (const action of step.actions) this.done.push(`${action}@${this.now}`);
    }
    return this;
  }

  /** A tick each 50 ms. */
  wait(ms: number): this {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 50;
      this.give({ kind: 'tick' });
    }
    return this;
  }

  established(): this {
    if (this.state.phase === 'initial') this.give({ kind: 'tick' }, { kind: 'opened' });
    return this.give({ kind: 'agreed' });
  }
}

describe('a connection', () => {
  it('S4 of a sink that heard nothing for 15 s is closed, cools down 4 s and is dialled again', () => {
    const walk = new Walk(rules()).established().wait(14_950);
    expect(walk.state.phase).toBe('established');

    walk.wait(50);
    expect(walk.state).toMatchObject({ phase: 'cooldown', reason: 'heartbeat overdue 15 s' });
    walk.wait(4_000);

    expect(walk.done).toEqual(['dial@0', 'close@15000', 'dial@19000']);
  });

  it('S4 spreads the cooldown of many sinks by up to a second', () => {
    const walk = new Walk(rules(), 1).established().give({ kind: 'lost', reason: 'reset' }).wait(4_950);
    expect(walk.state.phase).toBe('cooldown');

    expect(walk.wait(50).done.at(-1)).toBe('dial@5000');
  });

  it('S4 takes any byte for a sign of life', () => {
    const walk = new Walk(rules()).established();
    for (let i = 0; i < 10; i++) walk.wait(14_900).give({ kind: 'heard' });

    expect(walk.state.phase).toBe('established');
  });

  it('S3 of a source says something every 10 s', () => {
    const walk = new Walk(rules({ role: 'source', dialled: false })).established().wait(35_000);

    expect(walk.done).toEqual(['heartbeat@10000', 'heartbeat@20000', 'heartbeat@30000']);
  });

  it('S17 of a source is given up when what it sent stays unanswered for 30 s and nothing came back', () => {
    const walk = new Walk(rules({ role: 'source' })).established().wait(1_000).give({ kind: 'asked' }).wait(29_950);
    expect(walk.state.phase).toBe('established');

    expect(walk.wait(50).state).toMatchObject({ phase: 'cooldown', reason: 'no answer within 30 s' });
  });

  it('S8 that the other side opened is not opened by us', () => {
    const walk = new Walk(rules({ dialled: false })).established().wait(60_000);

    expect(walk.state.phase).toBe('closed');
    expect(walk.done).toEqual(['close@15000']);
  });

  it('does not take our own deafness for the silence of the other side', () => {
    const walk = new Walk(rules()).established();
    walk.now = 60_000;

    expect(walk.give({ kind: 'tick', deaf: true }).state.phase).toBe('established');
  });

  it.each([
    ['connecting', 'no connection within 10 s'],
    ['handshake', 'no handshake within 10 s'],
  ])('stays in %s for 10 s at most', (phase, reason) => {
    const walk = new Walk(rules()).give({ kind: 'tick' });
    if (phase === 'handshake') walk.give({ kind: 'opened' });
    expect(walk.state.phase).toBe(phase);

    expect(walk.wait(10_000).state).toMatchObject({ phase: 'cooldown', reason });
  });

  it('comes to dial again from wherever it is, and never stays shut, whatever happens', () => {
    const signal = fc.constantFrom<ConnectionSignal>(
      { kind: 'opened' },
      { kind: 'agreed' },
      { kind: 'heard' },
      { kind: 'asked' },
      { kind: 'answered' },
      { kind: 'lost', reason: 'x' },
      { kind: 'tick' },
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(signal, fc.nat(20_000)), { maxLength: 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (steps, random) => {
          const walk = new Walk(rules(), random);
          for (const [each, ms] of steps) {
            walk.now += ms;
            walk.give(each);
          }
          const dials = walk.done.filter((each) => each.startsWith('dial')).length;
          walk.wait(35_000);

          expect(walk.done.filter((each) => each.startsWith('dial')).length).toBeGreaterThan(dials);
        },
      ),
    );
  });

  it('S23 of two that both dialled is kept by the same rule on both sides', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (a, b) => {
        if (a === b) return;
        // The connection that a dialled, as each side sees it.
        expect(isSurplus(a, b, true)).toBe(isSurplus(b, a, false));
        expect(isSurplus(a, b, true)).not.toBe(isSurplus(a, b, false));
      }),
    );
  });
});
