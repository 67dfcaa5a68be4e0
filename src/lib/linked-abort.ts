/**
 * An AbortController that also follows other signals until it is released. Instead of `AbortSignal.any` where it happens per batch:
 * measured on Node 20.20, each call of that leaves some 55 bytes behind in a source that lives as long as the process.
 */
export interface LinkedAbort {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
  /** Stops following, without aborting. */
  release(): void;
}

export function linkedAbort(...sources: readonly AbortSignal[]): LinkedAbort {
  const controller = new AbortController();
  const follow = sources.map((source) => {
    const onAbort = () => controller.abort(source.reason);
    if (source.aborted) onAbort();
    else source.addEventListener('abort', onAbort, { once: true });
    return () => source.removeEventListener('abort', onAbort);
  });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    release: () => {
      for (const unfollow of follow) unfollow();
    },
  };
}
