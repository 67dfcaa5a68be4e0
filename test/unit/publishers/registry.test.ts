import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { publishers } from '../../../src/publishers/registry.ts';

describe('the registry of publishers', () => {
  it('holds exactly the folders on disk', () => {
    const folders = readdirSync(new URL('../../../src/publishers', import.meta.url), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);

    expect(Object.keys(publishers).sort()).toEqual(folders.sort());
  });

  it.each(Object.entries(publishers))('loads %s under its own name and summary', async (name, entry) => {
    const kind = await entry.load();

    expect([kind.name, kind.summary]).toEqual([name, entry.summary]);
    expect(entry.schema.safeParse({ no_such_parameter: 1 }).success).toBe(false);
  });
});
