import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { replaceFile } from '../../lib/replace-file.ts';
import type { Emit } from '../../telemetry/events.ts';
import type { LivestatusProxy } from './proxy.ts';
import { siteState } from './site-state.ts';
import { stateText } from './state-text.ts';

const everyMs = 5_000;

/** Writes the state of all sites every five seconds until the signal aborts, then removes it: a state that nobody renews says nothing. */
export async function keepStateFile(
  path: string,
  proxy: LivestatusProxy,
  clock: Clock,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const sites = proxy.sites.map((served) => siteState(served, clock.monotonic()));
    try {
      await mkdir(dirname(path), { recursive: true });
      await replaceFile(path, stateText(clock.now(), sites));
    } catch (error) {
      // The proxy serves on; a reader sees by the dump time that nobody writes.
      emit('livestatus:state-unwritten', { site: '', error: (error as Error).message });
    }
    await clock.sleep(everyMs, signal).catch(() => undefined); // stopped
  }
  await rm(path, { force: true });
}
