import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { livestatusFaults } from '../../livestatus/faults.ts';

describe('a Livestatus proxy stands', () => {
  it.each(
    livestatusFaults.filter((fault) => fault.slow !== true).map((fault) => [`${fault.id}: ${fault.about}`, fault] as const),
  )('%s', async (_title, fault) => {
    await fault.run();
  });
});

describe('the faults of a Livestatus proxy', () => {
  it('stand in the guarantees, each of them and no other', () => {
    const page = readFileSync(new URL('../../../docs/guarantees.md', import.meta.url), 'utf8');
    const named = new Set([...page.matchAll(/`(V\d+)`/g)].map(([, id = '']) => id));

    expect([...named].sort()).toEqual(livestatusFaults.map((fault) => fault.id).sort());
  });
});
