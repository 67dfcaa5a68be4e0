import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readDefinitions } from '../src/config/definitions.ts';
import { shippedDefinitions } from '../src/config/load-setup.ts';
import { type Converter, createConverter } from '../src/core/convert/converter.ts';
import { decodeNotification } from '../src/core/convert/envelope.ts';
import { itemLines, toEventMessage, toMeteringMessage } from '../src/core/convert/wire.ts';
import { createSigner } from '../src/lib/hmac.ts';
import { bar, barLines } from './bars.ts';
import { endTogether } from './children.ts';
import { notification } from './notifications.ts';
import { machine, machineLine, median, rounded, rssAnonMiB } from './process-figures.ts';
import { parseReference } from './reference.ts';

/**
 * What a conversion costs: bytes of an oslo v2 envelope in, JSON lines out (as bytes), ids and exact numbers included; and what signing
 * all of it costs on top. CPU is user + system of this process, garbage collection with it.
 *
 *     node --import tsx bench/convert.ts [--json] [--notifications 40000] [--rounds 3] [--definitions DIR]
 *
 * DIR holds Ceilometer's meters.yaml and event_definitions.yaml; without it our own definitions are taken.
 */
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    notifications: { type: 'string', default: '40000' },
    rounds: { type: 'string', default: '3' },
    definitions: { type: 'string' },
  },
});

const distinct = 4000;

interface Cost {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly bytes: number;
  readonly items: number;
}

function measure(work: () => { bytes: number; items: number }): Cost {
  const cpu = process.cpuUsage();
  const wall = performance.now();
  const { bytes, items } = work();
  const used = process.cpuUsage(cpu);
  return { cpuSeconds: (used.user + used.system) / 1e6, wallSeconds: (performance.now() - wall) / 1000, bytes, items };
}

endTogether();
const begun = machine();
const out = Buffer.alloc(16 * 1024 * 1024);

/** Every line goes into a reused buffer, from where an agent would hand it on. */
function convertAll(converter: Converter, bodies: readonly Uint8Array[], count: number, sign?: (text: string) => string) {
  let bytes = 0;
  let items = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const { samples, events } = converter.convert(decodeNotification(bodies[i % bodies.length] as Uint8Array));
    items += samples.length + events.length;
    const start = at;
    if (sign === undefined) at += out.write(itemLines([...samples, ...events]), at);
    else {
      for (const sample of samples) at += out.write(`${toMeteringMessage(sample, sign)}\n`, at);
      for (const event of events) at += out.write(`${toEventMessage(event, sign)}\n`, at);
    }
    bytes += at - start;
    if (at > out.length - 1024 * 1024) at = 0;
  }
  return { bytes, items };
}

const paths =
  values.definitions === undefined
    ? shippedDefinitions
    : { meters: [join(values.definitions, 'meters.yaml')], events: [join(values.definitions, 'event_definitions.yaml')] };
const definitions = await readDefinitions(paths, values.definitions === undefined ? 'yaml-1.2' : 'pyyaml');
const converter = createConverter(definitions);
const sign = createSigner('a secret of the bench, 32 bytes or more');
const bodies = Array.from({ length: distinct }, (_, i) => notification(i));
const count = Number(values.notifications);
const rounds = Number(values.rounds);

parseReference(5000);
convertAll(converter, bodies, 5000);
convertAll(converter, bodies, 5000, sign);
const bare: number[] = [];
const plain: Cost[] = [];
const signed: Cost[] = [];
for (let round = 0; round < rounds; round++) {
  bare.push(parseReference());
  plain.push(measure(() => convertAll(converter, bodies, count)));
  signed.push(measure(() => convertAll(converter, bodies, count, sign)));
}

const per100k = (cost: Cost) => (cost.cpuSeconds / count) * 100_000;
const converting = plain.map(per100k);
const signing = signed.map((cost, round) => per100k(cost) - (converting[round] ?? 0));
const first = plain[0] as Cost;
const result = {
  name: 'convert',
  cpuSecondsPer100k: rounded(median(converting), 3),
  perSecond: Math.round(count / median(plain.map((cost) => cost.wallSeconds))),
  signingCpuSecondsPer100k: rounded(median(signing), 3),
  bareParseCpuSecondsPer100k: rounded(median(bare), 3),
  rssAnonMiB: rounded(rssAnonMiB('self'), 0),
  ratio: { toParse: rounded(median(converting.map((cost, round) => cost / (bare[round] ?? 1))), 1) },
  best: rounded(Math.min(...converting), 3),
  bytesIn: Math.round(bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length),
  bytesOut: Math.round(first.bytes / count),
  itemsPerNotification: rounded(first.items / count, 2),
  rounds: converting.map((cost) => rounded(cost, 3)),
};
const bars = [
  bar('CPU-s per 100,000 notifications, bytes in to lines out', result.cpuSecondsPer100k, 3),
  bar('CPU-s per 100,000 notifications for signing on top', result.signingCpuSecondsPer100k, 2),
];

console.log(`convert, ${count} notifications of ${result.bytesIn} B, ${rounds} rounds, median

                          CPU-s per 100 k      per second
JSON.parse alone          ${result.bareParseCpuSecondsPer100k.toFixed(2).padStart(15)}
bytes in, lines out       ${result.cpuSecondsPer100k.toFixed(2).padStart(15)} ${`${result.perSecond}`.padStart(15)}   (${result.ratio.toParse} times the parse)
signing on top            ${result.signingCpuSecondsPer100k.toFixed(2).padStart(15)}

${result.itemsPerNotification} items and ${result.bytesOut} B out per notification
${machineLine(begun)}
${barLines(bars)}`);
if (values.json) console.log(JSON.stringify({ ...result, bars, machine: begun }));
