import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
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

it('is open once in this process, however many open it, until the last has closed it', async () => {
  const opened = async () => {
    const links = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    );
    return links.filter((link) => link === join(directory, 'data.mdb')).length;
  };
  const alone = await opened();

  const others = await Promise.all([1, 2, 3].map(() => LmdbEnvironment.open({ directory, clock: systemClock })));
  const together = await opened();
  await environment.close();
  await Promise.all(others.slice(1).map((other) => other.close()));
  await others[0]?.transact(() => void others[0]?.textTable('table').put('a', '1'));
  await others[0]?.close();
  const after = await opened();
  environment = await LmdbEnvironment.open({ directory, clock: systemClock });

  expect([together, after]).toEqual([alone, 0]);
  expect(environment.textTable('table').get('a')).toBe('1');
});

it('can be opened and closed while others write to it, and nobody waits for ever', async () => {
  const script = fileURLToPath(new URL('open-and-close.ts', import.meta.url));

  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, directory], { timeout: 18_000 });

  expect(stdout).toBe('99 99 99');
});

it('refuses transactions after it was closed', async () => {
  await environment.close();

  await expect(environment.transact(() => 1)).rejects.toThrow('closed');
});

it('refuses as often as the disk is full, as something that may be tried again, and lives on', async () => {
  const script = fileURLToPath(new URL('small-disk.ts', import.meta.url));
  const limited = [
    '-c',
    'ulimit -f 400; exec "$0" --import tsx "$1" "$2"',
    process.execPath,
    script,
    join(directory, '..', 'small'),
  ];

  const { stdout } = await promisify(execFile)('sh', limited, { timeout: 18_000 });

  expect(stdout).toBe(`written,${Array(6).fill('retryable').join()} 1`);
});
