import { Health } from '../../admin/health.ts';
import { type Admin, startAdmin } from '../../admin/server.ts';
import { systemClock } from '../../lib/clock.ts';
import { LivestatusProxy } from '../../services/livestatus-proxy/proxy.ts';
import { siteReadings } from '../../services/livestatus-proxy/site-readings.ts';
import { siteState } from '../../services/livestatus-proxy/site-state.ts';
import { keepStateFile } from '../../services/livestatus-proxy/state-file.ts';
import type { LiveproxySettings } from '../../services/livestatus-proxy/to-settings.ts';
import type { createTelemetry } from '../../telemetry/telemetry.ts';
import { version } from '../version.ts';
import { removePidFile, tellParent, writePidFile } from './daemon.ts';

interface RunOptions {
  readonly settings: LiveproxySettings;
  readonly load: () => Promise<LiveproxySettings>;
  readonly telemetry: ReturnType<typeof createTelemetry>;
  readonly reopenLog: () => void;
}

/** Serves until SIGTERM or SIGINT; SIGHUP reads the configuration again and opens the log anew. A second signal to end ends at once. */
export async function runLiveproxy({ settings, load, telemetry, reopenLog }: RunOptions): Promise<void> {
  const { emit } = telemetry;
  const proxy = new LivestatusProxy({ clock: systemClock, random: Math.random, emit, version: version() });
  const stopping = new AbortController();
  await proxy.start(settings.sites, settings.own);
  const admin = await serveMetrics(settings, proxy, telemetry);
  const writing = keepStateFile(settings.stateFile, proxy, systemClock, emit, stopping.signal);
  await writePidFile(settings.pidFile);
  const hangup = reloader(proxy, load, emit, reopenLog);
  process.on('SIGHUP', hangup);
  await tellParent({ ready: true });
  try {
    await ended();
  } finally {
    process.off('SIGHUP', hangup);
    await proxy.stop();
    await admin?.close();
    stopping.abort(new Error('stopped'));
    await writing;
    await removePidFile(settings.pidFile);
  }
}

/** One after the other: what is read last counts. */
function reloader(
  proxy: LivestatusProxy,
  load: () => Promise<LiveproxySettings>,
  emit: RunOptions['telemetry']['emit'],
  reopenLog: () => void,
): () => void {
  let last: Promise<void> = Promise.resolve();
  const reload = async () => {
    try {
      reopenLog();
      const { added, removed, changed, kept } = await proxy.reload((await load()).sites);
      emit('livestatus:reloaded', { added: added.length, removed: removed.length, changed: changed.length, kept: kept.length });
    } catch (error) {
      emit('livestatus:not-reloaded', { error: (error as Error).message });
    }
  };
  return () => {
    last = last.then(reload);
  };
}

async function serveMetrics(
  { metrics }: LiveproxySettings,
  proxy: LivestatusProxy,
  { scrape, emit }: RunOptions['telemetry'],
): Promise<Admin | null> {
  if (metrics === null) return null;
  const health = new Health();
  const states = () => proxy.sites.map((served) => siteState(served, systemClock.monotonic()));
  const admin = await startAdmin({
    ...metrics,
    token: null,
    health,
    version: version(),
    metrics: () => scrape(siteReadings(states())),
    status: async () => ({ sites: states() }),
  });
  health.running();
  emit('admin:listening', { address: admin.address });
  return admin;
}

function ended(): Promise<void> {
  return new Promise((resolve) => {
    let signals = 0;
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => {
        signals += 1;
        if (signals > 1) process.exit(1);
        resolve();
      });
  });
}
