import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { againWith, end, endTogether, start } from './children.ts';
import { cpuSeconds, median, rounded, rssAnonMiB } from './process-figures.ts';
import { scratchFolder } from './scratch.ts';

/**
 *     npm run bench -- liveproxy [--json] [--seconds 4]
 *
 * The built proxy (`npm run build`) in front of a real Icinga 2 with 100 hosts and 1,000 services, beside the same questions asked directly and
 * through the least relay that Node allows. Figures of one run are to be compared with each other only: the clients, the proxy and the server
 * share the machine. 16 clients open a connection for each question, since kept ones starve all but a few of them when they ask directly;
 * through the proxy they starve nobody, so that both ways are shown.
 */
endTogether();
const json = process.argv.includes('--json');
/** Each way is asked in turns so often, forth and back, so that a change of the machine's mood meets all; the first turn only warms. */
const rounds = 8;
const seconds = Number(process.argv[process.argv.indexOf('--seconds') + 1] || 4) || 4;
const folder = process.env['LIVESTATUS_FOLDER'];
process.env['ICINGA2_HOSTS'] ??= '100';
process.env['ICINGA2_SERVICES'] ??= '10';
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
  /** Of the process that was asked, for each answer; 0 when that was Icinga. */
  readonly cpuUs: number;
}

interface Asked {
  readonly path: string;
  readonly pid?: number | undefined;
}

const direct = { path: join(folder, 'live.sock') };
const dir = scratchFolder();
mkdirSync(dir, { recursive: true });
writeFileSync(
  join(dir, 'lp.yaml'),
  `run_dir: ${dir}\ndefaults: { wait_for_free_channel: 60 }\nsites:\n  icinga: { socket: "unix:${direct.path}" }\n  cached: { socket: "unix:${direct.path}", cache: true }\n`,
);
const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const proxy = start([process.execPath, program, 'liveproxy', '-c', join(dir, 'lp.yaml')], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
const proxied = { path: join(dir, 'liveproxy/icinga'), pid: proxy.pid };
const cached = { path: join(dir, 'liveproxy/cached'), pid: proxy.pid };
const relay = start(
  [
    process.execPath,
    '--import',
    'tsx',
    fileURLToPath(new URL('least-relay.ts', import.meta.url)),
    direct.path,
    join(dir, 'relay'),
  ],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
const relayed = { path: join(dir, 'relay'), pid: relay.pid };
await open(proxied);
await open(relayed);

const alone = await byTurns('one host', 1, { direct: ask(direct, 1, true), proxy: ask(proxied, 1, true) });
const rows = [];
for (const what of ['one host', 'all services', 'stats'] as const)
  rows.push(
    await byTurns(what, 16, {
      direct: ask(direct, 16, false),
      proxy: ask(proxied, 16, false),
      kept: ask(proxied, 16, true),
      relay: ask(relayed, 16, false),
    }),
  );
const kept = await measure(cached, queries.static, 16, true, seconds);
const rssMib = rssAnonMiB(proxy.pid ?? 0);
await end(proxy);
await end(relay);

const names = { direct: 'direct', proxy: 'proxy', kept: 'proxy, kept', relay: 'least relay' } as const;
for (const { what, clients, ways } of [alone, ...rows])
  for (const [way, { perSecond, p50, p99, fewest, cpuUs, ofDirect }] of Object.entries(ways))
    console.log(
      `${what.padEnd(13)}${String(clients).padStart(2)} clients  ${names[way as keyof typeof names].padEnd(12)}${String(perSecond).padStart(6)}/s  p50 ${p50} p99 ${p99} ms  ${Math.round(100 * ofDirect)} %  fewest of one client ${fewest}${cpuUs > 0 ? `  its CPU ${cpuUs} us each` : ''}`,
    );
console.log(`static, cached 16 clients kept alive: ${kept.perSecond}/s p50 ${kept.p50} ms; RssAnon ${rssMib.toFixed(0)} MiB`);

const addedMs = alone.ways.proxy.p50 - alone.ways.direct.p50;
const promise = (text: string, holds: boolean) => console.log(`${holds ? 'held  ' : 'missed'} ${text}`);
promise(`one kept client: ${addedMs.toFixed(3)} ms added to the median, at most 0.15`, addedMs <= 0.15);
for (const [i, least] of [0.6, 0.9, 0.9].entries()) {
  const { what, ways } = rows[i] as (typeof rows)[number];
  const percent = (ofDirect: number) => Math.round(100 * ofDirect);
  const wanted = `of direct, at least ${percent(least)}`;
  promise(
    `${what}, 16 clients that connect each time: ${percent(ways.proxy.ofDirect)} % ${wanted}; the least relay ${percent(ways.relay.ofDirect)}`,
    ways.proxy.ofDirect >= least,
  );
  promise(
    `${what}, 16 clients that stay connected to the proxy: ${percent(ways.kept.ofDirect)} % ${wanted}`,
    ways.kept.ofDirect >= least,
  );
}
promise(`cached: ${kept.perSecond}/s, at least 8000`, kept.perSecond >= 8000);
if (json) console.log(JSON.stringify({ name: 'liveproxy', rows: [alone, ...rows], kept, rssMib }));
process.exit(0);

type Query = keyof typeof queries;

function ask(asked: Asked, clients: number, keeps: boolean) {
  return (what: Query) => measure(asked, queries[what], clients, keeps, seconds / rounds);
}

async function open(asked: Asked): Promise<void> {
  while ((await measure(asked, queries['one host'], 1, false, 0.05).catch(() => null)) === null)
    await new Promise((resolve) => setTimeout(resolve, 200));
}

async function byTurns<W extends string>(
  what: Query,
  clients: number,
  ways: Readonly<Record<W | 'direct', (what: Query) => Promise<Measured>>>,
) {
  process.stderr.write(`${what}, ${clients} clients\n`);
  const names = Object.keys(ways) as (W | 'direct')[];
  const turns: Readonly<Record<W | 'direct', Measured>>[] = [];
  for (let i = 0; i <= rounds; i++) {
    const turn = new Map<W | 'direct', Measured>();
    for (const way of i % 2 === 0 ? names : names.toReversed()) turn.set(way, await ways[way](what));
    if (i > 0) turns.push(Object.fromEntries(turn) as Record<W | 'direct', Measured>);
  }
  const together = names.map((way) => [way, inMiddle(turns.map((turn) => [turn[way], turn.direct] as const))] as const);
  return { what, clients, ways: Object.fromEntries(together) as Record<W | 'direct', Measured & { readonly ofDirect: number }> };
}

/** The median of each figure; that of the ratio is of the ratios within the turns. */
function inMiddle(turns: readonly (readonly [Measured, Measured])[]): Measured & { readonly ofDirect: number } {
  const middle = (of: (one: Measured, direct: Measured) => number) => median(turns.map(([one, direct]) => of(one, direct)));
  return {
    perSecond: Math.round(middle((one) => one.perSecond)),
    p50: middle((one) => one.p50),
    p99: middle((one) => one.p99),
    fewest: Math.min(...turns.map(([one]) => one.fewest)),
    cpuUs: Math.round(middle((one) => one.cpuUs)),
    ofDirect: rounded(
      middle((one, direct) => one.perSecond / direct.perSecond),
      3,
    ),
  };
}

/** Each client has one question under way; with `keeps` on one connection, else on a new one for each. Throws when an answer is no 200. */
async function measure(asked: Asked, query: string, clients: number, keeps: boolean, forSeconds: number): Promise<Measured> {
  const request = `${query}ResponseHeader: fixed16\n${keeps ? 'KeepAlive: on\n' : ''}\n`;
  const until = performance.now() + forSeconds * 1000;
  const times: number[] = [];
  const before = cpuSecondsOf(asked);
  const counts = await Promise.all(Array.from({ length: clients }, () => client(asked.path, request, keeps, until, times)));
  const cpuUs = Math.round((1e6 * (cpuSecondsOf(asked) - before)) / times.length);
  times.sort((a, b) => a - b);
  const at = (share: number) => Number((times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(3));
  return { perSecond: Math.round(times.length / forSeconds), p50: at(0.5), p99: at(0.99), fewest: Math.min(...counts), cpuUs };
}

function cpuSecondsOf({ pid }: Asked): number {
  return pid === undefined ? 0 : cpuSeconds(pid);
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
