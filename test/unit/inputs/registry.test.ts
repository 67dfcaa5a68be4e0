import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inputs } from '../../../src/inputs/registry.ts';

describe('the registry of inputs', () => {
  it('lists exactly the folders beside it', () => {
    const folders = readdirSync(new URL('../../../src/inputs', import.meta.url), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);

    expect(Object.keys(inputs).sort()).toEqual(folders.sort());
  });

  it.each(Object.entries(inputs))('loads %s under its own name', async (name, entry) => {
    const kind = await entry.load();

    expect(kind).toMatchObject({ name, summary: entry.summary });
  });

  it('refuses to listen beyond this machine without a token', () => {
    expect(inputs['http']?.schema.safeParse({ host: '0.0.0.0' }).success).toBe(false);
    expect(inputs['http']?.schema.safeParse({ host: '0.0.0.0', token_file: 't' }).success).toBe(true);
    expect(inputs['http']?.schema.safeParse({}).success).toBe(true);
  });
});
