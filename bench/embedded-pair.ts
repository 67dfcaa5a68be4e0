import { fileURLToPath } from 'node:url';
import { exited, start } from './children.ts';
import { median, percentile, rounded } from './process-figures.ts';
import { scratchFolder } from './scratch.ts';

/**
 * The embedded path with few keys and with many, in two processes that take turns block by block, so that a machine that is slow for a
 * minute is slow for both. CPU is the sum over all blocks, not a median: the collection of a large heap falls into a few of them.
 */
export interface Block {
  readonly samples: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly written: number;
  readonly dirtied: number;
  readonly latencies: readonly number[];
  readonly parseCpuSecondsPer100k: number;
  readonly rssAnonMiB: number;
}

export interface Row {
  readonly keys: number;
  readonly commits: number;
  readonly cpuSecondsPer100k: number;
  readonly parseCpuSecondsPer100k: number;
  readonly ratioToParse: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly writtenKBPerSample: number;
  readonly dirtiedKBPerSample: number;
  readonly rssAnonMiB: number;
}

export interface Pair {
  readonly few: Row;
  readonly many: Row;
  readonly ratio: number;
  /** Of each two blocks that followed each other. */
  readonly ratioFrom: number;
  readonly ratioTo: number;
  readonly blocks: number;
}

export interface PairOptions {
  readonly few: number;
  readonly many: number;
  /** Of each, with so many commits altogether. */
  readonly blocks: number;
  readonly commits: number;
  /** `performance.now()` after which no further block begins. */
  readonly until: number;
}

const partitions = 16;

export async function embeddedPair({ few, many, blocks, commits, until }: PairOptions): Promise<Pair> {
  const rounds = Math.max(1, Math.round(commits / partitions / blocks));
  // One after the other: filling both at once would only make both slower.
  const children = [await filled(few), await filled(many)] as const;
  const done: [few: Block, many: Block][] = [];
  for (let i = -1; i < blocks && (done.length === 0 || performance.now() < until); i++) {
    const turn: [Block, Block] = i % 2 === 0 ? await inOrder(children, rounds) : await inReverse(children, rounds);
    // The first is for warming up.
    if (i >= 0) done.push(turn);
    const perTurn = turn.map((one) => per100k([one]).toFixed(2));
    process.stderr.write(`block ${i + 1} of ${blocks}: ${perTurn[0]} with ${few} keys, ${perTurn[1]} with ${many}\n`);
  }
  await Promise.all(children.map((child) => child.close()));
  const ratios = done.map(([a, b]) => per100k([b]) / per100k([a]));
  const rows = [few, many].map((keys, at) =>
    rowOf(
      keys,
      rounds,
      done.map((turn) => turn[at] as Block),
    ),
  );
  const [fewRow, manyRow] = rows as [Row, Row];
  return {
    few: fewRow,
    many: manyRow,
    ratio: rounded(manyRow.cpuSecondsPer100k / fewRow.cpuSecondsPer100k, 2),
    ratioFrom: rounded(Math.min(...ratios), 2),
    ratioTo: rounded(Math.max(...ratios), 2),
    blocks: done.length,
  };
}

interface Turns {
  ask(rounds: number): Promise<Block>;
  close(): Promise<void>;
}

async function inOrder([few, many]: readonly [Turns, Turns], rounds: number): Promise<[Block, Block]> {
  return [await few.ask(rounds), await many.ask(rounds)];
}

async function inReverse([few, many]: readonly [Turns, Turns], rounds: number): Promise<[Block, Block]> {
  const ofMany = await many.ask(rounds);
  return [await few.ask(rounds), ofMany];
}

async function filled(keys: number): Promise<Turns> {
  const path = fileURLToPath(new URL('embedded-path.ts', import.meta.url));
  // Ended with SIGKILL: a process that leaves in the middle of LMDB's commit may hang, and the folder is thrown away by us.
  const child = start([process.execPath, '--import', 'tsx', path, `${keys}`, scratchFolder()], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    endWith: 'SIGKILL',
  });
  const ended = exited(child).then((code) => {
    throw new Error(`the embedded path with ${keys} keys ended with ${code}`);
  });
  const answer = () => Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
  await answer();
  return {
    ask: async (rounds) => {
      child.send(rounds);
      return (await answer()) as Block;
    },
    close: async () => {
      child.disconnect();
      await ended.catch(() => undefined);
    },
  };
}

const sum = (blocks: readonly Block[], of: (block: Block) => number) => blocks.reduce((all, block) => all + of(block), 0);
const samplesOf = (blocks: readonly Block[]) => sum(blocks, (block) => block.samples);
const per100k = (blocks: readonly Block[]) => (sum(blocks, (block) => block.cpuSeconds) / samplesOf(blocks)) * 100_000;

function rowOf(keys: number, rounds: number, blocks: readonly Block[]): Row {
  const samples = samplesOf(blocks);
  const parse = median(blocks.map((block) => block.parseCpuSecondsPer100k));
  const latencies = blocks.flatMap((block) => block.latencies);
  return {
    keys,
    commits: rounds * partitions * blocks.length,
    cpuSecondsPer100k: rounded(per100k(blocks), 2),
    parseCpuSecondsPer100k: rounded(parse, 2),
    ratioToParse: rounded(per100k(blocks) / parse, 1),
    perSecond: Math.round(samples / sum(blocks, (block) => block.seconds)),
    p50Ms: rounded(percentile(latencies, 0.5), 1),
    p99Ms: rounded(percentile(latencies, 0.99), 1),
    writtenKBPerSample: rounded(sum(blocks, (block) => block.written) / samples / 1000, 2),
    dirtiedKBPerSample: rounded(sum(blocks, (block) => block.dirtied) / samples / 1000, 2),
    rssAnonMiB: rounded(Math.max(...blocks.map((block) => block.rssAnonMiB)), 0),
  };
}
