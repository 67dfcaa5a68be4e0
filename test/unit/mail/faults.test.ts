import { describe, expect, it } from 'vitest';
import { mailFaults } from '../../mail/faults.ts';

/** Those that take no time; `npm run test:faults -- M` tries all. */
const quick = mailFaults.filter(({ id }) => ['M1', 'M3', 'M4', 'M6', 'M8', 'M13', 'M15', 'M21', 'M23'].includes(id));

describe('a mail under a fault of its servers or its disk', () => {
  it.each(quick)('comes to the end that it should: $id, $about', { timeout: 90_000 }, async ({ run }) => {
    const seen = await run(1);

    expect(seen).not.toBe('');
  });
});
