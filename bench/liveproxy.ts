import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { againWith, end, endTogether, start } from './children.ts';
import { scratchFolder } from './scratch.ts';

/**
 *     npm run bench -- liveproxy [--json] [--seconds 4]
 *
 * The built proxy (`npm run build`) in front of a real Icinga 2, beside the same questions asked directly. Figures of one run are to be
 * compared with each other only: the clients, the proxy and the server share the machine.
 */
endTogether();
const json = process.argv.includes('--json');
const seconds = Number(process.argv[process.argv.indexOf('--seconds') + 1] || 4) || 4;
const folder = process.env['LIVESTATUS_FOLDER'];
if (folder === undefined) process.exit(await againWith('icinga2', import.meta.url));

const queries = {
  'one host': 'GET hosts\nColumns: name state plugin_output\nFilter: name = host1\nOutputFormat: json\n',
  'all services': 'GET services\nColumns: host_name description state plugin_output last_check\nOutputFormat: json\n',
  stats: 'GET services\nStats: state = 0\nStats: state = 1\nStats: state = 2\nStats: state = 3\nOutputFormat: json\n',
  static: 'GET hosts\nColumns: name alias groups\nFilter: name = host1\nOutputFormat: json\n',
} as const;

interface Measured {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers of the client that got fewest. */
  readonly fewest: number;
}

const direct = join(folder, 'live.sock');
const dir = scratchFolder();
const proxied = join(dir, 'liveproxy/icinga');
const cached = join(dir, 'liveproxy/cached');
mkdirSync(dir, { recursive: true });
writeFileSync(
  join(dir, 'lp.yaml'),
  `run_dir: ${dir}\ndefaults: { wait_for_free_channel: 60 }\nsites:\n  icinga: { socket: "unix:${direct}" }\n  cached: { socket: "unix:${direct}", cache: true }\n`,
);
const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const proxy = start([process.execPath, program, 'liveproxy', '-c', join(dir, 'lp.yaml')], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
while ((await measure(proxied, queries['one host'], 1, false, 0.05).catch(() => null)) === null)
  await new Promise((resolve) => setTimeout(resolve, 200));

const rows: { readonly what: string; readonly clients: number; readonly direct: Measured; readonly proxy: Measured }[] = [];
for (const [what, clients, directKeeps, proxyKeeps] of [
  ['one host', 1, true, true],
  ['one host', 16, false, false],
  ['all services', 16, false, false],
  ['stats', 16, false, false],
] as const) {
  process.stderr.write(`${what}, ${clients} clients\n`);
  // By turns, so that a change of the machine's mood meets both.
  const pairs = [];
  for (let i = 0; i < 2; i++)
    pairs.push([
      await measure(direct, queries[what], clients, directKeeps, seconds / 2),
      await measure(proxied, queries[what], clients, proxyKeeps, seconds / 2),
    ] as const);
  rows.push({ what, clients, direct: together(pairs.map(([one]) => one)), proxy: together(pairs.map(([, other]) => other)) });
}
const kept = await measure(cached, queries.static, 16, true, seconds);
const rssMib = Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${proxy.pid}/status`, 'utf8'))?.[1]) / 1024;
await end(proxy);

for (const { what, clients, direct: a, proxy: b } of rows)
  console.log(
    `${what.padEnd(13)} ${String(clients).padStart(2)} clients: direct ${a.perSecond}/s p50 ${a.p50} p99 ${a.p99} ms, proxy ${b.perSecond}/s p50 ${b.p50} p99 ${b.p99} ms, ${Math.round((100 * b.perSecond) / a.perSecond)} %, fewest of one client ${b.fewest}`,
  );
console.log(`static, cached 16 clients kept alive: ${kept.perSecond}/s p50 ${kept.p50} ms; RssAnon ${rssMib.toFixed(0)} MiB`);
const share = (i: number) => (rows[i]?.proxy.perSecond ?? 0) / (rows[i]?.direct.perSecond ?? 1);
const addedMs = (rows[0]?.proxy.p50 ?? 9) - (rows[0]?.direct.p50 ?? 0);
for (const [promise, isHeld] of [
  [`one kept client: ${addedMs.toFixed(3)} ms added to the median, at most 0.15`, addedMs <= 0.15],
  [`one host, 16 clients: ${(share(1) * 100).toFixed(0)} % of direct, at least 60`, share(1) >= 0.6],
  [`all services, 16 clients: ${(share(2) * 100).toFixed(0)} % of direct, at least 90`, share(2) >= 0.9],
  [`stats, 16 clients: ${(share(3) * 100).toFixed(0)} % of direct, at least 90`, share(3) >= 0.9],
  [`cached: ${kept.perSecond}/s, at least 8000`, kept.perSecond >= 8000],
] as const)
  console.log(`${isHeld ? 'held  ' : 'missed'} ${promise}`);
if (json) console.log(JSON.stringify({ name: 'liveproxy', rows, kept, rssMib }));
process.exit(0);

function together(parts: readonly Measured[]): Measured {
  const mean = (of: (part: Measured) => number) => parts.reduce((sum, part) => sum + of(part), 0) / parts.length;
  return {
    perSecond: Math.round(mean((part) => part.perSecond)),
    p50: Number(mean((part) => part.p50).toFixed(3)),
    p99: Number(mean((part) => part.p99).toFixed(3)),
    fewest: Math.min(...parts.map((part) => part.fewest)),
  };
}

/** Each client has one question under way; with `keeps` on one connection, else on a new one for each. Throws when an answer is no 200. */
async function measure(path: string, query: string, clients: number, keeps: boolean, forSeconds: number): Promise<Measured> {
  const request = `${query}ResponseHeader: fixed16\n${keeps ? 'KeepAlive: on\n' : ''}\n`;
  const until = performance.now() + forSeconds * 1000;
  const times: number[] = [];
  const counts = await Promise.all(Array.from({ length: clients }, () => client(path, request, keeps, until, times)));
  times.sort((a, b) => a - b);
  const at = (share: number) => Number((times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(3));
  return { perSecond: Math.round(times.length / forSeconds), p50: at(0.5), p99: at(0.99), fewest: Math.min(...counts) };
}

function client(path: string, request: string, keeps: boolean, until: number, times: number[]): Promise<number> {
  return new Promise((resolve, reject) => {
    let count = 0;
    let socket = connect({ path });
    let began = 0;
    let text = 0;
    let need = 0;
    const ask = () => {
      began = performance.now();
      text = 0;
      need = 0;
      socket.write(request);
    };
    const listen = () => {
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        if (need === 0) {
          if (chunk.length < 16 || chunk.toString('latin1', 0, 3) !== '200')
            return reject(new Error(chunk.toString('latin1', 0, 200)));
          need = 16 + Number(chunk.toString('latin1', 4, 15));
        }
        text += chunk.length;
        if (text < need) return;
        count += 1;
        times.push(performance.now() - began);
        if (performance.now() >= until) {
          socket.destroy();
          return resolve(count);
        }
        if (!keeps) {
          socket.destroy();
          socket = connect({ path });
          listen();
        }
        ask();
      });
    };
    listen();
    ask();
  });
}
