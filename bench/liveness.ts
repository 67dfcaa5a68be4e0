import { parseArgs } from 'node:util';
import { atLeast, type Bar, bar, barLines } from './bars.ts';
import { endTogether } from './children.ts';
import { type AgentsFigures, measureAgents } from './liveness-agents.ts';
import { measureCore } from './liveness-core.ts';
import { machine, machineLine, rounded } from './process-figures.ts';

/**
 * What hosts that report cost: judging alone, all partitions in this process, so the figures are the share of all agents together; then two built
 * agents, a RabbitMQ and a Redis with `appendfsync always` for some minutes, a service of every seventh lot silent, and in the end all hosts.
 *
 *     npm run build && npm run bench -- liveness [--json] [--hosts 100000] [--services 10] [--minutes 5] [--core]
 *
 * `--core`: judging alone.
 */
endTogether(process.ppid);
const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    hosts: { type: 'string', default: '100000' },
    services: { type: 'string', default: '10' },
    minutes: { type: 'string', default: '5' },
    core: { type: 'boolean', default: false },
  },
});
const [hosts, services] = [Number(values.hosts), Number(values.services)];
const begun = machine();
const core = measureCore(hosts, services);
const { microsPerReport, tickMs, stormAnnounceSeconds, rssAnonMiB } = core;
process.stdout.write(`${core.hosts} hosts, ${core.deadlines} deadlines
  ${rounded(microsPerReport, 2)} µs a report, ${rounded(tickMs, 1)} ms a tick, ${rounded(stormAnnounceSeconds, 2)} s of CPU to tell of all of them, ${rounded(rssAnonMiB, 0)} MiB
`);
const bars: Bar[] = [
  bar('CPU seconds of all agents together until every state of all hosts is right', rounded(core.stormStatesSeconds, 2), 6),
  bar('notifications of all hosts silent at once', core.notifications, 1),
];
const agents = values.core ? null : await measureAgents(hosts, services, Number(values.minutes));
if (agents !== null) bars.push(...barsOf(agents));
process.stdout.write(`${barLines(bars)}\n\n${machineLine(begun)}\n`);
if (values.json === true) process.stdout.write(`${JSON.stringify({ name: 'liveness', ...core, agents, bars })}\n`);
process.exitCode = bars.every(({ held }) => held) ? 0 : 1;

function barsOf(found: AgentsFigures): readonly Bar[] {
  const { detectedMs, oneByOne } = found;
  process.stdout.write(`
two agents: ${rounded(found.reportsPerSecond, 0)} reports/s in lots of 500; ${detectedMs.late} services fell silent, told ${rounded(detectedMs.p50, 0)} ms after they were late (p50);
  one by one over HTTP ${rounded(oneByOne.perSecond, 0)} reports/s, ${rounded(oneByOne.cpuMicros, 0)} µs of CPU each
`);
  return [
    bar('cores of the busier agent', rounded(found.cores, 2), 0.2),
    bar('RssAnon of the larger agent, MiB', rounded(found.rssAnonMiB, 0), 300),
    bar('ms after it was late that a service is told, p99', rounded(detectedMs.p99, 0), 1_500),
    bar('events of hosts that reported', found.falseAlarms, 0),
    bar('ms after the last deadline that every state is right, all silent', rounded(found.stormStatesMs, 0), 3_000),
    atLeast('hosts that are unreachable then', found.unreachable, hosts),
    bar('ms after the last deadline that it is told', rounded(found.stormToldMs, 0), 33_000),
    bar('events that tell of it', found.stormEvents, 1),
  ];
}
