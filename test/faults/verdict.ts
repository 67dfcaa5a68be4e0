import { basename } from 'node:path';
import { compareOutputs, readOutputs } from '../../src/cli/demo/compare.ts';
import { ExpectedOutputs } from '../../src/cli/demo/expected.ts';
import { loadSetup } from '../../src/config/load-setup.ts';
import { decodeNotification } from '../../src/core/convert/envelope.ts';
import { Replay } from '../../src/pipeline/replay.ts';

/** Longer than the lateness that sinks in event order wait for by themselves, shorter than the windows of the fault tests. */
const passAtEndMs = 10_000;
/** A slow machine takes longer: what comes out then is right as well, but not waited for. */
const passLaterMs = 300_000;

/** What a replay of the published notifications, in their order and in one process, says should stand in the files, each named like its sink. */
export async function replayed(configFile: string, cluster: string, published: readonly Uint8Array[]): Promise<ExpectedOutputs> {
  const setup = await loadSetup({ config: configFile }, {});
  const expected = new ExpectedOutputs(setup.sinks);
  const replay = new Replay(cluster, setup.sinks, setup.converter, Date.now(), (output) => expected.add(output));
  for (const body of published) replay.apply(decodeNotification(body));
  replay.pass(passAtEndMs);
  for (const { sink } of setup.sinks) {
    const spoke = [...expected.outputs.keys()].some((key) => key.startsWith(`${sink}.jsonl\t`));
    if (!spoke) throw new Error(`nothing was said that sink ${sink} makes an output of: it was not put to the test`);
  }
  expected.restMayCome();
  replay.pass(passLaterMs);
  return expected;
}

/** How the files differ from that. Empty lists and zeroes: they do not. */
export interface Verdict {
  readonly outputs: number;
  readonly lost: readonly string[];
  readonly invented: readonly string[];
  /** Same id, other content; and lines that are none. */
  readonly wrong: readonly string[];
  /** Lines beyond the first of an id. */
  readonly doubled: number;
  /** Outputs of each file, so that an empty comparison is seen. */
  readonly files: Readonly<Record<string, number>>;
}

/** `sinks`: only the files that are named like these. */
export async function judge(expected: ExpectedOutputs, folder: string, sinks?: ReadonlySet<string>): Promise<Verdict> {
  const { outputs: all, repeated, torn } = await readOutputs(folder);
  const isAsked = (key: string) => sinks === undefined || sinks.has(basename(key.slice(0, key.search(/[\t:]/)), '.jsonl'));
  const outputs = new Map([...all].filter(([key]) => isAsked(key)));
  const { lost, different, invented, identical } = compareOutputs(expected.with(outputs), outputs, repeated);
  const files: Record<string, number> = {};
  for (const key of outputs.keys()) {
    const file = basename(key.slice(0, key.indexOf('\t')), '.jsonl');
    files[file] = (files[file] ?? 0) + 1;
  }
  return { outputs: identical, lost, invented, wrong: [...different, ...torn.filter(isAsked)], doubled: repeated, files };
}

export function isExact({ outputs, lost, invented, wrong, doubled }: Verdict): boolean {
  return outputs > 0 && lost.length + invented.length + wrong.length + doubled === 0;
}
