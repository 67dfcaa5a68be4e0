import { Health } from '../../admin/health.ts';
import { type Admin, startAdmin } from '../../admin/server.ts';
import { openLiveproxy, type RunningLiveproxy } from '../../agent/liveproxy.ts';
import { systemClock } from '../../lib/clock.ts';
import { siteReadings } from '../../services/livestatus-proxy/site-readings.ts';
import type { LiveproxySettings } from '../../services/livestatus-proxy/to-settings.ts';
import { noReadings } from '../../telemetry/readings.ts';
import type { createTelemetry } from '../../telemetry/telemetry.ts';
import { version } from '../version.ts';
import { tellParent } from './daemon.ts';

interface RunOptions {
  readonly load: () => Promise<LiveproxySettings>;
  readonly telemetry: ReturnType<typeof createTelemetry>;
  readonly reopenLog: () => void;
}

/** Serves until SIGTERM or SIGINT; SIGHUP reads the configuration again and opens the log anew. A second signal to end ends at once. */
export async function runLiveproxy({ load, telemetry, reopenLog }: RunOptions): Promise<void> {
  const { emit } = telemetry;
  const proxy = await openLiveproxy({ load, clock: systemClock, random: Math.random, emit, version: version() });
  const admin = await serveMetrics(proxy, telemetry);
  const hangup = () => {
    try {
      reopenLog();
    } catch (error) {
      emit('livestatus:not-reloaded', { error: (error as Error).message });
    }
    void proxy.reload();
  };
  process.on('SIGHUP', hangup);
  await tellParent({ ready: true });
  try {
    await ended();
  } finally {
    process.off('SIGHUP', hangup);
    await admin?.close();
    await proxy.close();
  }
}

async function serveMetrics(proxy: RunningLiveproxy, { scrape, emit }: RunOptions['telemetry']): Promise<Admin | null> {
  const { metrics } = proxy.settings;
  if (metrics === null) return null;
  const health = new Health();
  const admin = await startAdmin({
    ...metrics,
    token: null,
    health,
    version: version(),
    metrics: () => scrape({ ...noReadings, ...siteReadings(proxy.sites()) }),
    status: async () => ({ sites: proxy.sites() }),
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
