const pollMs = 250;

/** Looks again and again until it is done; throws when it is not in time. */
export async function until(done: () => Promise<boolean> | boolean, withinMs: number, failure: string): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`${failure} within ${withinMs / 1000} s`);
    await pause(pollMs);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
