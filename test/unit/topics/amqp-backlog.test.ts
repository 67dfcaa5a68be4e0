import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backlog, type Batch, type Outgoing } from '../../../src/topics/amqp/backlog.ts';

const ref = { cluster: 'c', sink: 's', generation: 1, partition: 0 };

function outgoing(text: string): Outgoing {
  return { ref, exchange: 'x', queue: 'q', bytes: Buffer.from(text), headers: {} };
}

function batchOf(...texts: string[]): Batch & { readonly name: string } {
  return { name: texts.join('+'), entries: texts.map(outgoing) };
}

function sendAll(backlog: Backlog<Batch>): Outgoing[] {
  const sent: Outgoing[] = [];
  for (let entry = backlog.takeNext(); entry !== undefined; entry = backlog.takeNext()) sent.push(entry);
  return sent;
}

const names = (batches: readonly { readonly name: string }[]) => batches.map(({ name }) => name);
const texts = (entries: readonly Outgoing[]) => entries.map(({ bytes }) => Buffer.from(bytes).toString());

describe('the backlog of an appender', () => {
  it('counts an entry only when all before it are confirmed', () => {
    const backlog = new Backlog<ReturnType<typeof batchOf>>();
    backlog.add(batchOf('a'));
    backlog.add(batchOf('b', 'c'));
    const [a, b, c] = sendAll(backlog) as [Outgoing, Outgoing, Outgoing];

    expect(names(backlog.confirm(c))).toEqual([]);
    expect(names(backlog.confirm(b))).toEqual([]);
    expect(names(backlog.confirm(a))).toEqual(['a', 'b+c']);
    expect(backlog.isEmpty).toBe(true);
  });

  it('sends again from the first that does not count, confirmed or not', () => {
    const backlog = new Backlog<ReturnType<typeof batchOf>>();
    backlog.add(batchOf('a', 'b', 'c', 'd'));
    const [a, , c] = sendAll(backlog) as [Outgoing, Outgoing, Outgoing];
    backlog.confirm(a);
    backlog.confirm(c);

    backlog.rewind();

    expect(texts(sendAll(backlog))).toEqual(['b', 'c', 'd']);
  });

  it('goes on without a batch that was given up, and ends those that waited for it alone', () => {
    const backlog = new Backlog<ReturnType<typeof batchOf>>();
    const given = batchOf('a', 'b');
    backlog.add(given);
    backlog.add(batchOf('c'));
    const [a, , c] = sendAll(backlog) as [Outgoing, Outgoing, Outgoing];
    backlog.confirm(c);

    expect(names(backlog.remove(given))).toEqual(['c']);
    expect(names(backlog.confirm(a))).toEqual([]);
    expect([backlog.isEmpty, backlog.onTheWire]).toEqual([true, { entries: 0, bytes: 0 }]);
  });

  it('ends an empty batch when those before it are done', () => {
    const backlog = new Backlog<ReturnType<typeof batchOf>>();
    expect(names(backlog.add(batchOf()))).toEqual(['']);
    backlog.add(batchOf('a'));
    expect(names(backlog.add(batchOf()))).toEqual([]);
    const [a] = sendAll(backlog) as [Outgoing];

    expect(names(backlog.confirm(a))).toEqual(['a', '']);
  });

  it('settles batches in order, each once, and never before a lane confirmed all of it in one go', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('add' as const), size: fc.nat({ max: 4 }) }),
        fc.record({ kind: fc.constant('send' as const) }),
        fc.record({ kind: fc.constant('confirm' as const), pick: fc.nat() }),
        fc.record({ kind: fc.constant('rewind' as const) }),
        fc.record({ kind: fc.constant('remove' as const), pick: fc.nat() }),
      ),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, (script) => {
        const backlog = new Backlog<ReturnType<typeof batchOf>>();
        const open: ReturnType<typeof batchOf>[] = [];
        let lane: Outgoing[] = [];
        // What the appended entries are known to be in the topic by, since the last rewind and before.
        const counted = new Set<Outgoing>();
        let unconfirmed: Outgoing[] = [];
        let next = 0;
        const settle = (done: readonly ReturnType<typeof batchOf>[]) => {
          for (const batch of done) {
            expect(open.shift()).toBe(batch);
            for (const entry of batch.entries) expect(counted.has(entry)).toBe(true);
          }
        };
        for (const step of script) {
          if (step.kind === 'add') {
            const batch = batchOf(...Array.from({ length: step.size }, () => String(next++)));
            open.push(batch);
            settle(backlog.add(batch));
          } else if (step.kind === 'send') {
            const entry = backlog.takeNext();
            if (entry !== undefined) {
              lane.push(entry);
              unconfirmed.push(entry);
            }
          } else if (step.kind === 'confirm' && unconfirmed.length > 0) {
            const [entry] = unconfirmed.splice(step.pick % unconfirmed.length, 1) as [Outgoing];
            // All that the lane sent before the first that is still unconfirmed.
            const until = lane.findIndex((one) => unconfirmed.includes(one));
            for (const one of lane.slice(0, until < 0 ? lane.length : until)) counted.add(one);
            settle(backlog.confirm(entry));
          } else if (step.kind === 'rewind') {
            backlog.rewind();
            [lane, unconfirmed] = [[], []];
          } else if (step.kind === 'remove' && open.length > 0) {
            const [batch] = open.splice(step.pick % open.length, 1) as [ReturnType<typeof batchOf>];
            lane = lane.filter((entry) => !batch.entries.includes(entry));
            unconfirmed = unconfirmed.filter((entry) => !batch.entries.includes(entry));
            const until = lane.findIndex((one) => unconfirmed.includes(one));
            for (const one of lane.slice(0, until < 0 ? lane.length : until)) counted.add(one);
            settle(backlog.remove(batch));
          }
          expect(backlog.onTheWire.entries).toBeLessThanOrEqual(lane.length);
        }
      }),
    );
  });
});
