import { describe, expect, it } from 'vitest';
import { acceptedBy, appliedOf, Rates } from '../../../src/agent/rates.ts';
import type { Member } from '../../../src/coordination/group.ts';

const member = (at: number, applied: number, boot = 'b1'): Member => ({
  agent: 'a',
  boot,
  weight: 1,
  protocol: 1,
  build: 'test',
  host: 'h',
  pid: 1,
  facts: {
    received: String(applied * 2),
    figures: JSON.stringify({
      at,
      sinks: [{ sink: 's', from: 'samples', direct: false, applied }],
      lanes: [{ sink: 's', name: 'file', accepted: applied * 3 }],
      inputs: [],
      keys: {},
    }),
  },
});

describe('rates of agents', () => {
  it('are 0 as long as an agent was heard only once', () => {
    const rates = new Rates();
    rates.look([member(0, 100)]);
    rates.look([member(0, 100)]);

    expect(rates.of('b1', 'received')).toBe(0);
    expect(rates.of('no-such', 'received')).toBe(0);
  });

  it('go by the time at which the agent counted, not by when it was looked at', () => {
    const rates = new Rates();
    for (const [at, applied] of [
      [0, 0],
      [3_000, 30],
      [6_000, 60],
    ] as const) {
      rates.look([member(at, applied)]);
      rates.look([member(at, applied)]);
    }

    expect(rates.of('b1', appliedOf('s'))).toBe(10);
    expect(rates.of('b1', acceptedBy('s', 'file'))).toBe(30);
    expect(rates.of('b1', 'received')).toBe(20);
  });

  it('follow the last ten seconds', () => {
    const rates = new Rates();
    for (let at = 0; at <= 60_000; at += 1_000) rates.look([member(at, at < 40_000 ? at : 40_000)]);

    expect(rates.of('b1', appliedOf('s'))).toBe(0);
  });

  it('begin anew with another process of the same name, and forget who is gone', () => {
    const rates = new Rates();
    rates.look([member(0, 1_000), member(0, 0, 'b2')]);
    rates.look([member(1_000, 2_000)]);
    rates.look([member(5, 7, 'b2')]);

    expect(rates.of('b2', appliedOf('s'))).toBe(0);
    expect(rates.of('b1', appliedOf('s'))).toBe(0);
  });

  it('are 0 for an agent that tells no figures', () => {
    const rates = new Rates();
    rates.look([{ ...member(0, 1), facts: {} }]);

    expect(rates.of('b1', 'received')).toBe(0);
  });
});
