import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { LmdbEnvironment } from '../../../src/lib/lmdb-environment.ts';

let directory: string;
let environment: LmdbEnvironment;

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'ceilograph-')), 'data');
  environment = await LmdbEnvironment.open({ directory, clock: systemClock });
});
afterEach(async () => {
  await environment.close();
  await rm(join(directory, '..'), { recursive: true, force: true });
});

it('leaves nothing of an action that throws halfway, and all of its neighbours in the same flush', async () => {
  const table = environment.textTable('table');

  const results = await Promise.allSettled([
    environment.transact(() => void table.put('before', '1')),
    environment.transact(() => {
      void table.put('half', '1');
      throw new Error('halfway');
    }),
    environment.transact(() => void table.put('after', '1')),
  ]);

  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect([...table.getKeys()]).toEqual(['after', 'before']);
});

it('answers with what the action returned', async () => {
  const table = environment.textTable('table');
  await environment.transact(() => void table.put('a', '1'));

  expect(await environment.transact(() => table.get('a'))).toBe('1');
});

it('sees its own writes inside a transaction, also by range', async () => {
  const table = environment.textTable('table');

  const keys = await environment.transact(() => {
    void table.put(['a', 1], '1');
    void table.put(['a', 2], '2');
    void table.remove(['a', 1]);
    return [...table.getKeys({ start: ['a'], end: ['a', 9] })];
  });

  expect(keys).toEqual([['a', 2]]);
});

it('opens its directory for its owner alone, even one that was open to others', async () => {
  await environment.close();
  await chmod(directory, 0o777);

  environment = await LmdbEnvironment.open({ directory, clock: systemClock });

  expect((await stat(directory)).mode & 0o777).toBe(0o700);
});

it('shares the file with whoever opens it too', async () => {
  const other = await LmdbEnvironment.open({ directory, clock: systemClock });
  await environment.transact(() => void environment.textTable('table').put('a', '1'));

  other.refresh();
  const seen = other.textTable('table').get('a');
  await other.close();

  expect(seen).toBe('1');
  await environment.transact(() => void environment.textTable('table').put('a', '2'));
  expect(environment.textTable('table').get('a')).toBe('2');
});

it('refuses transactions after it was closed', async () => {
  await environment.close();

  await expect(environment.transact(() => 1)).rejects.toThrow('closed');
});
