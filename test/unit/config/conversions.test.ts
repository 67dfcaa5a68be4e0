import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Conversions } from '../../../src/config/conversions.ts';
import { loadAgent } from '../../../src/config/load-agent.ts';
import { ConfigError } from '../../../src/config/problem.ts';

let folder: string;
let meters: string;
let conversions: Conversions;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-conversions-'));
  meters = join(folder, 'meters.yaml');
  await writeFile(
    meters,
    'metric:\n  - { name: a, event_type: a, type: gauge, unit: u, volume: 1, resource_id: $.payload.id }\n',
  );
  conversions = new Conversions();
});
afterEach(() => rm(folder, { recursive: true }));

const { conversion: options } = await loadAgent(null, {});
const open = (given = options) => conversions.open({ meters: [meters], events: [] }, given, 'yaml-1.2');

describe('the conversion that is opened again', () => {
  it('is the very same one while no byte of its definitions differs, whenever they were written', async () => {
    const before = await open();
    await appendFile(meters, '');

    expect(await open({ ...options })).toBe(before);
  });

  it('is another once a definition differs, and of another hash', async () => {
    const before = await open();
    await appendFile(meters, '  - { name: b, event_type: b, type: gauge, unit: u, volume: 1, resource_id: $.payload.id }\n');

    const after = await open();

    expect(after.converter).not.toBe(before.converter);
    expect(after.hash).not.toBe(before.hash);
  });

  it('is another, of the same hash, where only a comment differs', async () => {
    const before = await open();
    await appendFile(meters, '# a remark\n');

    expect((await open()).hash).toBe(before.hash);
  });

  it('is another once an option differs', async () => {
    const before = await open();

    expect((await open({ ...options, storeRaw: ['info'] })).hash).not.toBe(before.hash);
  });

  it('is refused as often as it is wrong, and stands again once it is mended', async () => {
    const before = await open();
    const good = 'metric:\n  - { name: a, event_type: a, type: gauge, unit: u, volume: 1, resource_id: $.payload.id }\n';
    await writeFile(meters, 'metric: 3\n');

    await expect(open()).rejects.toThrow(ConfigError);
    await expect(open()).rejects.toThrow(ConfigError);
    await writeFile(meters, good);
    expect((await open()).hash).toBe(before.hash);
  });
});
