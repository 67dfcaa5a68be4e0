/** A round number at or above: 1, 2, 2.5 or 5 times a power of ten. */
export function niceTop(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * power >= value) ?? 10;
  return step * power;
}

/** Times to write below an axis: at whole steps, at most `most` of them. */
export function timeTicks(from: number, to: number, most: number): readonly number[] {
  const steps = [10, 30, 60, 120, 300, 600, 900, 1_800].map((seconds) => seconds * 1_000);
  const step = steps.find((each) => (to - from) / each <= most) ?? 3_600_000;
  const ticks: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) ticks.push(at);
  return ticks;
}
