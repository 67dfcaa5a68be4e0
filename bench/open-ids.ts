import { IdLog, sliceMs } from '../src/core/partition/id-log.ts';
import { endTogether } from './children.ts';
import { rounded, rssAnonMiB } from './process-figures.ts';

/**
 * The log of ids alone: a million ids in 16 partitions, as a listener's entries bring them. With `keep` all stay open; with `expire`
 * they are proven and forgotten as it goes, so the difference of the two processes is what an open id holds.
 *
 *     node --expose-gc --import tsx bench/open-ids.ts keep|expire
 */
const count = 1_000_000;
const partitions = 16;
const perEntry = 50;

endTogether();
const expire = process.argv[2] === 'expire';
const logs = Array.from({ length: partitions }, () => new IdLog());
const cpu = process.cpuUsage();
for (let i = 0; i < count; i++) {
  const log = logs[i % partitions] as IdLog;
  const seq = Math.floor(i / (partitions * perEntry)) + 1;
  const id = `${i.toString(16).padStart(8, '0')}-0000-1000-8000-4d1f2f2a0e5b`;
  if (!log.has(id)) log.add('bench', seq, id);
  if (expire && i % (partitions * 1000) < partitions) {
    log.prove('bench', seq);
    log.advance((i / (partitions * 1000)) * 6 * sliceMs);
  }
  if (i % (partitions * 300) < partitions) log.takeChange();
}
for (const log of logs) log.takeChange();
const { user, system } = process.cpuUsage(cpu);
for (let i = 0; i < 3; i++) {
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 200));
}
const open = logs.reduce((sum, log) => sum + log.openCount, 0);
const figures = { open, rssAnonMiB: rssAnonMiB('self'), microsecondsPerId: rounded((user + system) / count, 2) };
console.log(JSON.stringify(figures));
