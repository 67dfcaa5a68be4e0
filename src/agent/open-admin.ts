import { Health } from '../admin/health.ts';
import { startAdmin } from '../admin/server.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import type { AgentIdentity } from '../coordination/group.ts';
import { readSecret } from '../inputs/configured-file.ts';
import type { Clock } from '../lib/clock.ts';
import { orLate } from '../lib/or-late.ts';
import type { Tally } from '../pipeline/tally.ts';
import type { Emit } from '../telemetry/events.ts';
import type { Readings } from '../telemetry/readings.ts';
import type { Scraped } from '../telemetry/telemetry.ts';
import { readingsOf } from './admin-readings.ts';
import type { ClusterView } from './cluster-view.ts';
import type { MailReading } from './mail-service.ts';

export type Scrape = (readings: Readings) => Promise<Scraped>;

export interface AdminParts {
  readonly config: AgentConfig;
  readonly identity: AgentIdentity;
  readonly version: string;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly scrape?: Scrape;
  readonly look: () => Promise<ClusterView>;
  /** Without it: no mails are sent. */
  readonly mails?: () => MailReading | null;
}

export interface AgentAdmin {
  readonly health: Health;
  /** Null where nothing is served. */
  readonly address: string | null;
  close(): Promise<void>;
}

/** Serves what `admin.listen` asks for, from the first moment on, so that a start that takes long is seen as one. */
export async function openAdmin(parts: AdminParts): Promise<AgentAdmin> {
  const { config, identity, version, emit, tally, scrape } = parts;
  const health = new Health();
  const { listen, tokenFile } = config.admin;
  if (listen === null || scrape === undefined) return { health, address: null, close: async () => undefined };
  const admin = await startAdmin({
    ...listen,
    token: tokenFile === null ? null : await readSecret(tokenFile, undefined),
    health,
    metrics: async () => scrape(readingsOf(tally, await lookSoon(parts), identity.boot, parts.mails?.() ?? null)),
    status: async () => {
      const view = await lookSoon(parts);
      return view === null
        ? null
        : { ...view, mails: parts.mails?.() ?? null, servedBy: { ...identity, build: version, reason: health.reason } };
    },
  });
  emit('admin:listening', { address: admin.address });
  return { health, address: admin.address, close: () => admin.close() };
}

/** Prometheus gives up after 10 s. */
const lookMs = 3_000;

/** Null when a store does not answer, which is shown as such: it must not hide what this process counts itself. */
function lookSoon({ look, clock }: AdminParts): Promise<ClusterView | null> {
  return orLate(clock, lookMs, look(), null).catch(() => null);
}
