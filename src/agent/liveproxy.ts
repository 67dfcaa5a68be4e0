import type { Clock } from '../lib/clock.ts';
import { removePidFile, writePidFile } from '../services/livestatus-proxy/pid-file.ts';
import { LivestatusProxy } from '../services/livestatus-proxy/proxy.ts';
import { siteState } from '../services/livestatus-proxy/site-state.ts';
import { keepStateFile } from '../services/livestatus-proxy/state-file.ts';
import type { SiteState } from '../services/livestatus-proxy/state-text.ts';
import type { LiveproxySettings } from '../services/livestatus-proxy/to-settings.ts';
import type { Emit } from '../telemetry/events.ts';

interface LiveproxyOptions {
  readonly load: () => Promise<LiveproxySettings>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  readonly version: string;
}

export interface RunningLiveproxy {
  readonly settings: LiveproxySettings;
  sites(): readonly SiteState[];
  /** One after the other: what is read last counts. Never rejects; with settings that cannot be used it goes on as it was, and says so. */
  reload(): Promise<void>;
  /** Ends in order, and takes sockets, state and pid files away. */
  close(): Promise<void>;
}

/** Serves the sites; throws what is wrong with the settings, or a fatal Fault when one cannot listen. */
export async function openLiveproxy({ load, clock, random, emit, version }: LiveproxyOptions): Promise<RunningLiveproxy> {
  const settings = await load();
  const proxy = new LivestatusProxy({ clock, random, emit, version });
  const stopping = new AbortController();
  await proxy.start(settings.sites, settings.own);
  const writing = keepStateFile(settings.stateFile, proxy, clock, emit, stopping.signal);
  await writePidFile(settings.pidFile);
  const reload = async () => {
    try {
      const { added, removed, changed, kept } = await proxy.reload((await load()).sites);
      emit('livestatus:reloaded', { added: added.length, removed: removed.length, changed: changed.length, kept: kept.length });
    } catch (error) {
      emit('livestatus:not-reloaded', { error: (error as Error).message });
    }
  };
  let last: Promise<void> = Promise.resolve();
  let closing: Promise<void> | undefined;
  const close = async () => {
    await proxy.stop();
    stopping.abort(new Error('stopped'));
    await writing;
    await removePidFile(settings.pidFile);
  };
  return {
    settings,
    sites: () => proxy.sites.map((served) => siteState(served, clock.monotonic())),
    reload: () => {
      last = last.then(reload);
      return last;
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
