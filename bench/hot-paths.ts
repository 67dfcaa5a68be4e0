import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { allocatedBytes, ExecutedCharacters } from './counted-work.ts';
import type { HotPath } from './hot-paths-work.ts';
import { rounded } from './process-figures.ts';

/**
 * What the hot paths cost, counted instead of timed: bytes allocated and characters of our source executed, per item. The same on every
 * machine and under every load, so a test compares them with `hot-paths.json` (`test/unit/house/hot-paths.test.ts`).
 *
 *     node --import tsx bench/hot-paths.ts [--json]
 *
 * A change that makes one dearer on purpose writes the new figures into that file, and its reason into the commit; one that makes it
 * cheaper does the same, so that the gain is kept. What is counted is the interpreter's work: the optimising compilers would leave out
 * allocations at moments of their own choice. Time within V8 (JSON, regular expressions, hashing) is not seen, only what it allocates.
 */
const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const items = 400;

setFlagsFromString('--no-opt');
const counter = await ExecutedCharacters.start('/src/');
const { hotPaths } = await import('./hot-paths-work.ts');

interface Cost {
  readonly bytes: number;
  readonly executed: number;
}

async function costOf({ perRun, prepare }: HotPath): Promise<Cost> {
  const run = prepare();
  const runs = Math.ceil(items / perRun);
  const all = () => {
    for (let i = 0; i < runs; i++) run();
  };
  // Tables of event types, of names and of shapes fill; the strings of the source come into being.
  all();
  all();
  // The least of three: a table that grows in one of them does not in the next.
  const bytes = Math.min(...[1, 2, 3].map(() => allocatedBytes(all))) / (runs * perRun);
  const executed = (await counter.during(all)) / (runs * perRun);
  return { bytes: rounded(bytes, 0), executed: rounded(executed, 0) };
}

const budget = JSON.parse(readFileSync(new URL('hot-paths.json', import.meta.url), 'utf8')) as Readonly<Record<string, Cost>>;
const costs: Record<string, Cost> = {};
for (const path of hotPaths) costs[path.name] = await costOf(path);

console.log('per item                              bytes allocated   budget   characters executed   budget');
for (const { name, per } of hotPaths) {
  const cell = (value: number | undefined, width: number) => `${value ?? '-'}`.padStart(width);
  const [cost, allowed] = [costs[name], budget[name]];
  console.log(
    `${`${name}, per ${per}`.padEnd(36)}${cell(cost?.bytes, 17)}${cell(allowed?.bytes, 9)}${cell(cost?.executed, 22)}${cell(allowed?.executed, 9)}`,
  );
}
if (values.json) console.log(JSON.stringify({ name: 'hot-paths', costs, budget }));
