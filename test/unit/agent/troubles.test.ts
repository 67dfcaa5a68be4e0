import { describe, expect, it } from 'vitest';
import { Troubles, troubleOf } from '../../../src/agent/troubles.ts';
import type { Member } from '../../../src/coordination/group.ts';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { Fault } from '../../../src/model/faults.ts';

const member = (agent: string, facts: Readonly<Record<string, string>>): Member => ({
  agent,
  boot: 'b',
  weight: 1,
  protocol: 1,
  build: '1',
  host: 'h',
  pid: 1,
  facts,
});

describe('what stands still', () => {
  it('is told with its reason until it runs', () => {
    const troubles = new Troubles(new ManualClock());
    const error = new Fault('retryable', 'redis_state_missing', 'the state was lost → give it up');
    troubles.ofAssignment({ kind: 'failed', unit: 'u1', error, retryInMs: 500 });

    expect(troubleOf('u1', null, [member('a', troubles.facts())])).toEqual({ kind: 'failed', text: error.message });
    troubles.ofWorker('u1', { kind: 'running', version: 1, keys: 0, outbox: 0 });
    expect(troubles.facts()).toEqual({});
  });

  it('is told of a partition that holds entries for seconds, and no longer once they are applied', async () => {
    const clock = new ManualClock();
    const troubles = new Troubles(clock);
    troubles.ofWorker('u1', { kind: 'gap', held: 1 });
    troubles.ofWorker('u1', { kind: 'gap', held: 3 });

    expect(troubles.facts()).toEqual({});
    await clock.advance(6_000);
    expect(troubleOf('u1', 'a', [member('a', troubles.facts())])).toEqual({
      kind: 'gap',
      text: expect.stringContaining('holds 3 entries'),
    });
    troubles.ofWorker('u1', { kind: 'gap-closed' });
    expect(troubles.facts()).toEqual({});
  });

  it('is nobody else’s word once the partition has an owner', () => {
    const troubles = new Troubles(new ManualClock());
    troubles.ofAssignment({ kind: 'failed', unit: 'u1', error: new Error('no'), retryInMs: 500 });

    expect(troubleOf('u1', 'b', [member('a', troubles.facts()), member('b', {})])).toBeNull();
  });

  it('fits into a heartbeat, however much there is', () => {
    const troubles = new Troubles(new ManualClock());
    for (let i = 0; i < 1_000; i++)
      troubles.ofAssignment({ kind: 'failed', unit: `u${i}`, error: new Error('x'.repeat(10_000)), retryInMs: 500 });

    expect(JSON.stringify(troubles.facts()).length).toBeLessThan(32_000);
  });
});
