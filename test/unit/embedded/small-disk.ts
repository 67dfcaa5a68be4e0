import { systemClock } from '../../../src/lib/clock.ts';
import { LmdbEnvironment } from '../../../src/lib/lmdb-environment.ts';
import { classify } from '../../../src/model/faults.ts';

// Writes more than the process may: started with a limit on the size of files, which the kernel keeps as it keeps that of a disk. Says how
// each transaction ended, and at the end that it still lives. A process of its own, since an unhandled rejection ends it.
const [directory = ''] = process.argv.slice(2);
const environment = await LmdbEnvironment.open({ directory, clock: systemClock });
const table = environment.textTable('table');
const ends: string[] = [];
const write = async (name: string, rows: number) => {
  try {
    await environment.transact(() => {
      for (let i = 0; i < rows; i++) void table.put(`${name} ${i}`, 'x'.repeat(1_000));
    });
    ends.push('written');
  } catch (error) {
    ends.push(classify(error).class);
  }
};
await write('first', 1);
for (let i = 0; i < 3; i++) await Promise.all([write(`a${i}`, 200), write(`b${i}`, 200)]);
environment.refresh();
process.stdout.write(`${ends.join()} ${table.getCount()}`);
await environment.close();
