import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { parseEntry, type TickEntry } from '../../../src/model/entry.ts';
import { Fault } from '../../../src/model/faults.ts';
import { runTickLoop } from '../../../src/pipeline/tick-loop.ts';
import { type Appender, type PartitionRef, partitionName } from '../../../src/topics/topic.ts';

const partitions = [0, 1].map((partition): PartitionRef => ({ cluster: 'c', sink: 's', generation: 1, partition }));

/** Two owned partitions; `append` says what an append to one of them waits for. */
function tickers(append: (partition: number) => Promise<void>, timeFaults: Fault[] = []) {
  const clock = new ManualClock(1_000);
  const time = async () => {
    const fault = timeFaults.shift();
    if (fault !== undefined) throw fault;
    return clock.now();
  };
  const stop = new AbortController();
  const ticks: [partition: number, at: number][] = [];
  const openAppender = async (): Promise<Appender> => {
    let last: Promise<unknown> = Promise.resolve();
    return {
      // As every appender: what comes later is not confirmed before what came earlier.
      append: (entries) => {
        const turn = Promise.allSettled([last]).then(async () => {
          for (const { partition, bytes } of entries) {
            await append(partition.partition);
            const { at } = parseEntry(new TextDecoder().decode(bytes)) as TickEntry;
            ticks.push([partition.partition, at]);
          }
        });
        last = turn;
        return turn;
      },
      close: async () => undefined,
    };
  };
  const owned = () =>
    partitions.map((ref) => ({ ref, token: { unit: partitionName(ref), agent: 'a', boot: 'b', epoch: 1, incarnation: 1 } }));
  const ended = runTickLoop({ group: { time }, openAppender, clock, tickMs: 1_000, owned }, stop.signal);
  ended.catch(() => undefined);
  return { clock, stop, ticks, ended };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the ticks of owned partitions', () => {
  it('come every second to each', async () => {
    const { clock, ticks, stop, ended } = tickers(async () => undefined);
    await turn();
    await clock.advance(2_000);
    await turn();
    stop.abort();
    await ended;

    expect(ticks).toEqual([
      [0, 1_000],
      [1, 1_000],
      [0, 2_000],
      [1, 2_000],
      [0, 3_000],
      [1, 3_000],
    ]);
  });

  it('go on in one partition while another is at its bound, and none is queued there', async () => {
    let room = () => {};
    const full = new Promise<void>((resolve) => {
      room = resolve;
    });
    const { clock, ticks, stop, ended } = tickers((partition) => (partition === 0 ? full : Promise.resolve()));
    await turn();
    await clock.advance(5_000);
    await turn();
    expect(ticks.map(([partition]) => partition)).toEqual([1, 1, 1, 1, 1, 1]);

    room();
    await turn();
    expect(ticks.filter(([partition]) => partition === 0)).toEqual([[0, 1_000]]);
    stop.abort();
    await ended;
  });

  it('are missed while nobody says what time it is, and go on afterwards', async () => {
    const away = new Fault('retryable', 'econnreset', 'the store of the group does not answer');
    const { clock, ticks, stop, ended } = tickers(async () => undefined, [away]);
    await turn();
    expect(ticks).toEqual([]);
    await clock.advance(1_000);
    await turn();
    stop.abort();
    await ended;

    expect(ticks).toEqual([
      [0, 2_000],
      [1, 2_000],
    ]);
  });

  it('miss one where an append fails, and end with what no further try mends', async () => {
    const faults = [new Fault('retryable', 'no_topic', 'not there yet'), new Fault('fatal', 'damaged', 'the file is damaged')];
    const { clock, ticks, ended } = tickers(async (partition) => {
      const fault = partition === 0 ? faults.shift() : undefined;
      if (fault !== undefined) throw fault;
    });
    await turn();
    await clock.advance(1_000);
    await turn();
    expect(ticks.map(([partition]) => partition)).toEqual([1, 1]);
    await clock.advance(1_000);

    await expect(ended).rejects.toMatchObject({ code: 'damaged' });
  });
});
