/** Of a straight line through the points, by least squares: the change per unit of x. Zero for fewer than two. */
export function slopePerMinute(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, value]) => value))];
  const square = points.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
  return square === 0 ? 0 : points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0) / square;
}
