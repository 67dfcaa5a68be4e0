import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Settlements } from '../../../src/inputs/amqp/settlements.ts';

/** A channel as RabbitMQ keeps it: an acknowledgement of a tag that is not open (also the last of a multiple one) closes it. */
class StrictChannel {
  readonly open = new Set<number>();
  readonly acked = new Set<number>();
  readonly returned = new Set<number>();
  frames = 0;

  constructor(deliveries: number) {
    for (let tag = 1; tag <= deliveries; tag++) this.open.add(tag);
  }

  ack(tag: number, allUpTo: boolean): void {
    this.frames += 1;
    if (!this.open.has(tag)) throw new Error(`406 unknown delivery tag ${tag}`);
    for (const open of [...this.open]) {
      if (open !== tag && !(allUpTo && open < tag)) continue;
      this.open.delete(open);
      this.acked.add(open);
    }
  }

  nack(tag: number): void {
    this.frames += 1;
    if (!this.open.delete(tag)) throw new Error(`406 unknown delivery tag ${tag}`);
    this.returned.add(tag);
  }
}

const setting = (deliveries: number) => {
  const channel = new StrictChannel(deliveries);
  const settlements = new Settlements(channel);
  for (let tag = 1; tag <= deliveries; tag++) settlements.handed(tag);
  return { channel, settlements };
};

describe('settlements', () => {
  it('acknowledge exactly what was settled, in any order and with any turns between', () => {
    const action = fc.record({
      tag: fc.integer({ min: 1, max: 30 }),
      how: fc.constantFrom('settle', 'giveBack'),
      turn: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const { channel, settlements } = setting(30);
        const decided = new Map<number, string>();
        for (const { tag, how, turn } of actions) {
          if (!decided.has(tag)) {
            decided.set(tag, how);
            if (how === 'settle') settlements.settle(tag);
            else settlements.giveBack(tag);
          }
          if (turn) settlements.flush();
        }
        settlements.flush();

        const tagsOf = (how: string) => [...decided].filter(([, was]) => was === how).map(([tag]) => tag);
        expect([...channel.acked].sort()).toEqual(tagsOf('settle').sort());
        expect([...channel.returned].sort()).toEqual(tagsOf('giveBack').sort());
      }),
      { numRuns: 500 },
    );
  });

  it('send one frame for a thousand settled in one turn', async () => {
    const { channel, settlements } = setting(1000);

    for (let tag = 1; tag <= 1000; tag++) settlements.settle(tag);
    await Promise.resolve();

    expect(channel.frames).toBe(1);
    expect(channel.open.size).toBe(0);
  });

  it('do not hold back what lies behind a slow one', () => {
    const { channel, settlements } = setting(3);

    settlements.settle(2);
    settlements.settle(3);
    settlements.flush();

    expect([...channel.open]).toEqual([1]);
  });

  it('are one frame again once the gap is closed, and proven then', async () => {
    const { channel, settlements } = setting(4);
    settlements.settle(2);
    settlements.flush();

    for (const tag of [1, 3, 4]) settlements.settle(tag);
    await settlements.prove(async () => {});

    expect([channel.frames, channel.open.size, settlements.unproven]).toEqual([2, 0, false]);
  });

  it('are dropped after the end of their channel', () => {
    const { channel, settlements } = setting(3);
    settlements.settle(1);

    settlements.end();
    settlements.settle(2);
    settlements.giveBack(3);
    settlements.flush();

    expect(channel.frames).toBe(0);
  });

  it('are unproven until a proof that began after the last of them', async () => {
    const { settlements } = setting(2);
    settlements.settle(1);
    await settlements.prove(async () => settlements.settle(2));
    const afterFirst = settlements.unproven;

    await settlements.prove(async () => {});

    expect(afterFirst).toBe(true);
    expect(settlements.unproven).toBe(false);
  });

  it('stay unproven when the channel ends during the proof', async () => {
    const { settlements } = setting(1);
    settlements.settle(1);

    await settlements.prove(async () => settlements.end());

    expect(settlements.unproven).toBe(true);
  });
});
