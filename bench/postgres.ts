import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { itemLines } from '../src/core/convert/wire.ts';
import { systemClock } from '../src/lib/clock.ts';
import { createSigner } from '../src/lib/hmac.ts';
import { makeBatch } from '../src/pipeline/batch.ts';
import { createItemCodec } from '../src/pipeline/item-codec.ts';
import { postgres } from '../src/publishers/postgres/index.ts';
import { PostgresSchema } from '../src/publishers/postgres/schema.ts';
import { sampleWith } from '../test/sample.ts';
import { atLeast, barLines } from './bars.ts';
import { againWith, endTogether } from './children.ts';
import { machine, machineLine, median, rounded } from './process-figures.ts';

/**
 * Samples a second into a table of a real PostgreSQL with its default durability, batches of 500 as a lane makes them beside one insert each
 * through the same publisher. Both take turns, and the ratio is the median of the rounds'.
 *
 *     npm run bench -- postgres [--json] [--rounds 7]
 */
endTogether(process.ppid);
const { values } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '7' } } });
const url = process.env['POSTGRES_URL'];
if (url === undefined) process.exit(await againWith('postgres', import.meta.url));

const perBatch = 500;
const begun = machine();
const table = `bench_${randomUUID().replaceAll('-', '')}`;
const codec = createItemCodec(createSigner(''));
const signal = new AbortController().signal;
const publisher = await postgres.open(PostgresSchema.parse({ url, table }), {
  name: 'postgres',
  sink: 'bench',
  kind: 'samples',
  clock: systemClock,
  random: Math.random,
  baseDir: '.',
});

let made = 0;

/** So many samples in batches of so many; how many a second. */
async function insert(count: number, size: number): Promise<number> {
  const batches = Array.from({ length: count / size }, () => {
    const items = Array.from({ length: size }, () => {
      made += 1;
      const resource_metadata = { display_name: `vm-${made % 200}`, host: 'compute-7', flavor: { vcpus: 4, ram: 8192 } };
      return sampleWith({ id: randomUUID(), volume: made, resource_id: `resource-${made % 200}`, resource_metadata });
    });
    return makeBatch(items, codec, false, itemLines(items));
  });
  const at = performance.now();
  for (const batch of batches) await publisher.publish(batch, signal);
  return (count * 1000) / (performance.now() - at);
}

const rounds: { readonly single: number; readonly batched: number }[] = [];
await insert(perBatch, perBatch);
for (let round = 0; round < Number(values.rounds); round++)
  rounds.push({ single: await insert(1_000, 1), batched: await insert(20_000, perBatch) });
await publisher.close();

const client = new Client(url);
await client.connect();
const stored = Number((await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.n);
await client.query(`DROP TABLE ${table}`);
await client.end();
if (stored !== made) throw new Error(`${stored} of ${made} samples stand in the table`);

const single = Math.round(median(rounds.map((round) => round.single)));
const batched = Math.round(median(rounds.map((round) => round.batched)));
const ratio = rounded(median(rounds.map((round) => round.batched / round.single)), 1);
const bars = [atLeast('times as many samples a second in batches as one by one', ratio, 10)];
process.stdout.write(`PostgreSQL: samples a second through the publisher, medians of ${rounds.length} rounds

  one insert each   ${single}
  batches of ${perBatch}    ${batched}   (${ratio} times as many)

${machineLine(begun)}
${barLines(bars)}
`);
if (values.json === true)
  process.stdout.write(`${JSON.stringify({ name: 'postgres', singlePerSecond: single, perSecond: batched, ratio, bars })}\n`);
