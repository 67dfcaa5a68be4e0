import { systemClock } from '../../../src/lib/clock.ts';
import { LmdbEnvironment } from '../../../src/lib/lmdb-environment.ts';

// Opens and closes a file again and again while somebody in the same process writes to it. A process of its own: should both wait for each other, no
// timer of theirs fires any more.
const [directory = ''] = process.argv.slice(2);
const writer = await LmdbEnvironment.open({ directory, clock: systemClock });
const table = writer.textTable('table');
let over = false;
const writing = (async () => {
  for (let i = 0; !over; i++) await writer.transact(() => void table.put(`w${i % 100}`, `${i}`));
})();
const churn = async (who: string) => {
  for (let i = 0; i < 100; i++) {
    const other = await LmdbEnvironment.open({ directory, clock: systemClock });
    await other.transact(() => void other.textTable('table').put(who, `${i}`));
    await other.close();
  }
};
await Promise.all(['a', 'b', 'c'].map(churn));
over = true;
await writing;
process.stdout.write(['a', 'b', 'c'].map((who) => table.get(who)).join(' '));
await writer.close();
