/** Who asks while somebody else waits for the same answer gets that one: many who ask cost no more than one. */
export function together<T>(ask: () => Promise<T>): () => Promise<T> {
  let asking: Promise<T> | null = null;
  return () => {
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  };
}
