import { parseArgs } from 'node:util';
import { type Bar, bar, barLines } from './bars.ts';
import { endTogether } from './children.ts';
import { measureCore } from './liveness-core.ts';
import { machine, machineLine, rounded } from './process-figures.ts';

/**
 * What judging hosts costs, without topics and stores: all partitions in this process, so the figures are the share of all agents together.
 *
 *     node --import tsx bench/liveness.ts [--json] [--hosts 100000] [--services 10]
 */
endTogether(process.ppid);
const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    hosts: { type: 'string', default: '100000' },
    services: { type: 'string', default: '10' },
  },
});
const begun = machine();
const core = measureCore(Number(values.hosts), Number(values.services));
const bars: Bar[] = [
  bar('CPU seconds of all agents together until every state of all hosts is right', rounded(core.stormStatesSeconds, 2), 6),
  bar('notifications of all hosts silent at once', core.notifications, 1),
];
const { microsPerReport, tickMs, stormAnnounceSeconds, rssAnonMiB } = core;
process.stdout.write(`${core.hosts} hosts, ${core.deadlines} deadlines
  ${rounded(microsPerReport, 2)} µs a report, ${rounded(tickMs, 1)} ms a tick, ${rounded(stormAnnounceSeconds, 2)} s of CPU to tell of all of them, ${rounded(rssAnonMiB, 0)} MiB
${barLines(bars)}

${machineLine(begun)}
`);
if (values.json === true) process.stdout.write(`${JSON.stringify({ name: 'liveness', ...core, bars })}\n`);
process.exitCode = bars.every(({ held }) => held) ? 0 : 1;
