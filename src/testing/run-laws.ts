import { plain } from '../config/explain.ts';
import type { Problem } from '../config/problem.ts';
import { readYaml } from '../config/yaml-document.ts';
import { type LawSubject, laws } from '../core/transformers/laws.ts';
import type { OwnModule } from './tested-sink.ts';

/** A law of the transformers, and how an operator's own module breaks it; null when it keeps it. */
export interface LawResult {
  readonly says: string;
  readonly breach: string | null;
}

/** Random lives per law. The seeds are fixed: a breach that was seen is seen again. */
const lives = 20;

/** The laws that our own transformers are held to, on a module of an operator's, with its examples' parameters and with the sink's. */
export function runLaws(own: OwnModule): readonly LawResult[] {
  const problems: Problem[] = [];
  const subject = subjectOf(own, problems);
  return laws.map(({ id, says, check }) => {
    const repeats = id === 'examples-run' ? 1 : lives;
    if (id === 'examples-run' && problems[0] !== undefined) return { says, breach: problems[0].message };
    try {
      for (let seed = 1; seed <= repeats; seed++) inDisturbedWorld((disturb) => check(subject, seeded(seed), disturb));
      return { says, breach: null };
    } catch (error) {
      return { says, breach: error instanceof Error ? error.message : String(error) };
    }
  });
}

function subjectOf({ transformer, parameters, file }: OwnModule, problems: Problem[]): LawSubject {
  const cases = transformer.examples.flatMap((example) => {
    const { document, problems: found } = readYaml(String(example.yaml), file);
    problems.push(...found);
    if (document === null) return [];
    const exact = transformer.Parameters.safeParse(document.value ?? {});
    const parsed = exact.success ? exact : transformer.Parameters.safeParse(plain(document.value ?? {}));
    if (parsed.success) return [{ parameters: parsed.data, example }];
    problems.push(document.problem([], `the example "${example.title}" has parameters that the module's own schema refuses`));
    return [];
  });
  return { transformer, cases: [...cases, { parameters }] };
}

/** mulberry32: 32 bits of state, the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

// A module that looks at the clock or throws dice is found out only if they say something else the second time. Nothing else runs meanwhile:
// the laws are synchronous.
function inDisturbedWorld(run: (disturb: () => void) => void): void {
  const [now, random] = [Date.now, Math.random];
  let moved = 0;
  Date.now = () => now() + moved;
  Math.random = () => (random() + moved) % 1;
  try {
    run(() => {
      moved += 86_400_123.25;
    });
  } finally {
    Date.now = now;
    Math.random = random;
  }
}
