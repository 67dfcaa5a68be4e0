import { parseArgs } from 'node:util';
import { handOvers } from '../test/cluster/handover.ts';
import { type Bar, bar, barLines } from './bars.ts';
import { machine, machineLine } from './process-figures.ts';

/**
 * How long a partition of 100,000 keys stands still: given on by an agent that leaves for good (SIGTERM), after its owner was killed (SIGKILL), after it
 * was stopped (SIGSTOP). Three built agents, a RabbitMQ and a Redis with `appendfsync always` share the machine; notifications come all the time.
 *
 *     npm run build && npm run bench -- handover [--json]
 */
const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const loopMs = 50;

const begun = machine();
const found = await handOvers();
const bars: Bar[] = found.flatMap(({ way, ms, withinMs, othersMs, loopMs: longest }) => [
  bar(`ms from the last commit of the one owner to the first of the next, ${way}`, ms, withinMs),
  bar(`ms without a commit of any partition that stayed, ${way}`, othersMs, 1_000),
  bar(`ms that an event loop stood still, ${way}`, longest, loopMs),
]);
console.log(`A partition of ${found[0]?.keys} keys changes its owner\n`);
for (const { way, ms, othersMs, othersBeforeMs, loopMs: longest, loopBeforeMs } of found)
  console.log(
    `  ${way.padEnd(8)} ${`${ms}`.padStart(6)} ms; the others ${othersMs} ms at most (before ${othersBeforeMs}); event loops ${longest} ms (before ${loopBeforeMs})`,
  );
console.log(machineLine(begun));
console.log(barLines(bars));
if (values.json) console.log(JSON.stringify({ name: 'handover', found, bars, machine: begun, loadAtTheEnd: machine().load }));
