/** Which expected item is which of those that came; null where there is none. */
export interface Pair {
  readonly expected: number | null;
  readonly got: number | null;
}

type Fits = (expected: number, got: number) => boolean;

/** Comparing each with each is for a person to read the rest; beyond this it would take too long to be read. */
const mostCompared = 1_000_000;

/**
 * In order: what fits as it stands from both ends, and in between as many fitting pairs as can be without crossing; what is left between two
 * of them is paired as it stands.
 */
export function pairInOrder(expected: number, got: number, fits: Fits): readonly Pair[] {
  const most = Math.min(expected, got);
  let before = 0;
  while (before < most && fits(before, before)) before += 1;
  let after = 0;
  while (after < most - before && fits(expected - 1 - after, got - 1 - after)) after += 1;
  const [inExpected, inGot] = [expected - before - after, got - before - after];
  const middle =
    inExpected * inGot > mostCompared
      ? pairLeft(range(inExpected), range(inGot))
      : pairMiddle(inExpected, inGot, (i, j) => fits(before + i, before + j));
  const moved = (place: number | null) => (place === null ? null : place + before);
  return [
    ...range(before).map((i) => ({ expected: i, got: i })),
    ...middle.map((pair) => ({ expected: moved(pair.expected), got: moved(pair.got) })),
    ...range(after).map((i) => ({ expected: expected - after + i, got: got - after + i })),
  ];
}

function pairMiddle(expected: number, got: number, fits: Fits): readonly Pair[] {
  const most = longest(expected, got, fits);
  const pairs: Pair[] = [];
  let [i, j] = [0, 0];
  let gap: [number[], number[]] = [[], []];
  const closeGap = () => {
    pairs.push(...pairLeft(...gap));
    gap = [[], []];
  };
  while (i < expected || j < got) {
    if (i < expected && j < got && fits(i, j) && at(most, i, j) === at(most, i + 1, j + 1) + 1) {
      closeGap();
      pairs.push({ expected: i++, got: j++ });
    } else if (j >= got || (i < expected && at(most, i + 1, j) >= at(most, i, j + 1))) gap[0].push(i++);
    else gap[1].push(j++);
  }
  closeGap();
  return pairs;
}

/** In any order: as many fitting pairs as can be; an expected item that fits several gives way to one that fits only one. */
export function pairUnordered(expected: number, got: number, fits: Fits): readonly Pair[] {
  const takenBy = new Map<number, number>();
  const find = (i: number, tried: Set<number>): boolean => {
    for (let j = 0; j < got; j++) {
      if (tried.has(j) || !fits(i, j)) continue;
      tried.add(j);
      const other = takenBy.get(j);
      if (other === undefined || find(other, tried)) {
        takenBy.set(j, i);
        return true;
      }
    }
    return false;
  };
  for (let i = 0; i < expected; i++) find(i, new Set());
  const paired = new Set(takenBy.values());
  const left = pairLeft(
    range(expected).filter((i) => !paired.has(i)),
    range(got).filter((j) => !takenBy.has(j)),
  );
  return [...[...takenBy].map(([j, i]) => ({ expected: i, got: j })), ...left];
}

function pairLeft(expected: readonly number[], got: readonly number[]): readonly Pair[] {
  return range(Math.max(expected.length, got.length)).map((k) => ({ expected: expected[k] ?? null, got: got[k] ?? null }));
}

/** `[i][j]`: the most fitting pairs of what is from `i` and from `j` on. */
function longest(expected: number, got: number, fits: Fits): readonly Uint32Array[] {
  const rows = Array.from({ length: expected + 1 }, () => new Uint32Array(got + 1));
  for (let i = expected - 1; i >= 0; i--) {
    for (let j = got - 1; j >= 0; j--)
      (rows[i] as Uint32Array)[j] = Math.max(fits(i, j) ? at(rows, i + 1, j + 1) + 1 : 0, at(rows, i + 1, j), at(rows, i, j + 1));
  }
  return rows;
}

function at(rows: readonly Uint32Array[], i: number, j: number): number {
  return rows[i]?.[j] ?? 0;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
