import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Leases } from '../../../src/coordination/embedded/leases.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { LmdbEnvironment } from '../../../src/lib/lmdb-environment.ts';
import { processOwner } from '../../../src/lib/process-owner.ts';

const unit = 'cg.c.s.g1.p0';
const longMs = 60_000;
const alice = { agent: 'alice', boot: 'first' };
const again = { agent: 'alice', boot: 'second' };
const bob = { agent: 'bob', boot: 'bob' };

let folder: string;
let environment: LmdbEnvironment;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-leases-'));
  environment = await LmdbEnvironment.open({ directory: folder, clock: systemClock });
});

afterEach(async () => {
  await environment.close();
  await rm(folder, { recursive: true });
});

/** As the process of that owner has them. */
function leasesOf(owner: string): Leases {
  return new Leases(environment.textTable('leases'), { boot: 'b', now: () => 1_000 }, owner);
}

describe('the leases of one machine', () => {
  it('go to the next boot of an agent as soon as the process of the one before is gone', async () => {
    const killed = spawnSync(process.execPath, ['-e', '']).pid;
    await environment.transact(() => leasesOf(processOwner(killed)).acquire(alice, unit, 1, longMs));
    const taken = await environment.transact(() => leasesOf(processOwner()).acquire(again, unit, 1, longMs));

    expect(taken).toMatchObject({ kind: 'acquired', token: { boot: 'second', epoch: 2 } });
  });

  it('are held while that process lives, and always against other agents', async () => {
    const killed = spawnSync(process.execPath, ['-e', '']).pid;
    await environment.transact(() => leasesOf(processOwner(process.ppid)).acquire(alice, unit, 1, longMs));
    await environment.transact(() => leasesOf(processOwner(killed)).acquire(alice, `${unit}1`, 1, longMs));
    const own = leasesOf(processOwner());
    const tried = await environment.transact(() => [
      own.acquire(again, unit, 1, longMs),
      own.acquire(bob, `${unit}1`, 1, longMs),
    ]);

    expect(tried.map(({ kind }) => kind)).toEqual(['held', 'held']);
  });
});
