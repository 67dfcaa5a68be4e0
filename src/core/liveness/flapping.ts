/**
 * Whether a host goes to and fro. Of its last results each change weighs from 0.8 (oldest) to 1.2 (newest), as Icinga has it: above 30 % it
 * flaps, below 25 % it no longer does. A flapping host needs more reports in time to count as back; nothing is kept silent by it,
 * because a host that flaps and then dies must be told.
 */
const longest = 20;
const [high, low] = [0.3, 0.25];

export interface Flapping {
  readonly results: string;
  readonly flapping: boolean;
}

/** While all is well nothing is kept, so that an ordinary report changes no state. */
export function withResult({ results, flapping }: Flapping, good: boolean): Flapping {
  if (good && results === '') return { results, flapping };
  const next = (results + (good ? '1' : '0')).slice(-longest);
  if (!next.includes('0')) return { results: '', flapping: false };
  const share = changes(next);
  return { results: next, flapping: flapping ? share >= low : share > high };
}

function changes(results: string): number {
  let sum = 0;
  for (let i = 1; i < results.length; i++) {
    if (results[i] === results[i - 1]) continue;
    const age = longest - results.length + i;
    sum += 0.8 + (0.4 * age) / (longest - 1);
  }
  return sum / (longest - 1);
}
