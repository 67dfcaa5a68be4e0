import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packEntry } from '../src/core/spool/entry.ts';
import { systemClock } from '../src/lib/clock.ts';
import { openSpoolPlace } from '../src/services/spooler/spool-place.ts';
import { makeCertificate } from '../test/services/certificate.ts';
import { freePort } from '../test/services/free-port.ts';
import { SiteProcess } from '../test/spool/site-under-test.ts';
import { endTogether } from './children.ts';
import { cpuSeconds, machine, machineLine } from './process-figures.ts';
import { scratchFolder } from './scratch.ts';

/**
 * How many notifications a second go from one spooler to another through TLS on the loopback: from the first that leaves to the last
 * that is acknowledged, which means flushed by the sink, and removed by the source. Each spooler is a process of its own; about
 * 500 bytes a notification, all of them spooled before.
 *
 *     node --import tsx bench/spool.ts [--json] [--notifications 100000] [--runs 3] [--window 128]
 */
endTogether(process.ppid);
const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    notifications: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '3' },
    window: { type: 'string', default: '128' },
  },
});
const notifications = Number(values.notifications);
const window = Number(values.window);
const promised = 20_000;
const begun = machine();
const folder = scratchFolder();
const certificate = await makeCertificate('centre.example');

interface Run {
  readonly rate: number;
  readonly sourceCpu: number;
  readonly sinkCpu: number;
}

async function run(index: number): Promise<Run> {
  const [sourceDir, sinkDir] = [join(folder, `${index}-source`), join(folder, `${index}-sink`)];
  const source = await openSpoolPlace({ dataDir: sourceDir, clock: systemClock });
  for (let from = 0; from < notifications; from += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, notifications - from) }, (_, i) => entry(from + i));
    await source.spool.put(batch);
  }
  const port = await freePort();
  const tls = { cert_file: certificate.cert, key_file: certificate.key };
  const sinkProcess = new SiteProcess(sinkDir, { role: 'sink', site: 'centre', tcp_server: { listen: port, tls } });
  await sinkProcess.port();
  const server = { address: '127.0.0.1', port, tls: { ca_file: certificate.cert, server_name: 'centre.example' } };
  const sourceProcess = new SiteProcess(sourceDir, {
    role: 'source',
    site: 'east',
    max_unacknowledged: window,
    tcp_client: { servers: [server] },
  });
  const left = () => source.spool.stats().new.count;
  const began = await when(() => left() < notifications);
  const cpuBefore = [cpuSeconds(sourceProcess.pid), cpuSeconds(sinkProcess.pid)] as const;
  const ended = await when(() => left() === 0);
  const per100k = (cpu: number) => Number(((cpu * 100_000) / notifications).toFixed(2));
  const sourceCpu = per100k(cpuSeconds(sourceProcess.pid) - cpuBefore[0]);
  const sinkCpu = per100k(cpuSeconds(sinkProcess.pid) - cpuBefore[1]);
  await Promise.all([sourceProcess.kill(), sinkProcess.kill()]);
  const sink = await openSpoolPlace({ dataDir: sinkDir, clock: systemClock });
  const arrived = sink.arrivals.count();
  await Promise.all([source.close(), sink.close()]);
  await Promise.all([rm(sourceDir, { recursive: true }), rm(sinkDir, { recursive: true })]);
  if (arrived !== notifications) throw new Error(`${arrived} of ${notifications} arrived`);
  return { rate: Math.round(notifications / ((ended - began) / 1000)), sourceCpu, sinkCpu };
}

function entry(index: number): Uint8Array {
  const payload = {
    instance_id: `instance-${index}`,
    host: 'compute-1.example.org',
    state: 'active',
    memory_mb: 2048,
    note: 'x'.repeat(200),
  };
  const context = {
    message_id: `n-${index}`,
    publisher_id: 'compute.host',
    event_type: 'compute.instance.exists',
    priority: 'info',
    timestamp: '2026-11-21 10:00:00.000000',
    payload,
  };
  return packEntry({ uuid: `n-${index}`, site: 'east', hops: 0, atMs: 1_700_000_000_000, context });
}

async function when(so: () => boolean): Promise<number> {
  const until = performance.now() + 120_000;
  while (!so()) {
    if (performance.now() > until) throw new Error('nothing moves');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now();
}

const runs: Run[] = [];
for (let index = 0; index < Number(values.runs); index++) {
  const one = await run(index);
  runs.push(one);
  process.stderr.write(`run ${index + 1}: ${one.rate} notifications/s\n`);
}
await rm(certificate.folder, { recursive: true });
const rates = runs.map((one) => one.rate);
const median = [...rates].sort((a, b) => a - b)[Math.floor(rates.length / 2)] ?? 0;
const held = median >= promised;
const cpu = runs.map((one) => `${one.sourceCpu}/${one.sinkCpu}`).join(', ');
process.stdout.write(`${machineLine(begun)}\n`);
process.stdout.write(
  `${entry(0).length} bytes each, at most ${window} chunks unacknowledged: ${rates.join(', ')} notifications/s\n`,
);
process.stdout.write(`CPU seconds of source/sink per 100,000: ${cpu}\n`);
process.stdout.write(
  `  ${held ? 'held  ' : 'MISSED'}  ${median}  ≥ ${promised}  notifications/s acknowledged, flushed and removed, through TLS\n`,
);
if (values.json === true)
  process.stdout.write(`${JSON.stringify({ name: 'spool', machine: machine(), notifications, window, runs, median, held })}\n`);
