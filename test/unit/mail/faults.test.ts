import { describe, expect, it } from 'vitest';
import { mailFaults } from '../../mail/faults.ts';

describe('a mail under a fault of its servers or its disk', () => {
  it.each(mailFaults)('comes to the end that it should: $id, $about', { timeout: 90_000 }, async ({ run }) => {
    const seen = await run();

    expect(seen).not.toBe('');
  });
});
