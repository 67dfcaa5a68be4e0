import { hostname } from 'node:os';
import type { AgentActions } from '../admin/agent-actions.ts';
import { Health } from '../admin/health.ts';
import type { MailNow, SpoolNow } from '../admin/overview.ts';
import { changeRoutes } from '../admin/routes/changes.ts';
import { letterRoutes } from '../admin/routes/dead-letters.ts';
import { eventsRoute } from '../admin/routes/events.ts';
import { hostRoutes } from '../admin/routes/hosts.ts';
import { pageRoutes } from '../admin/routes/page.ts';
import { resourceRoutes } from '../admin/routes/resources.ts';
import { tapRoute, traceRoute } from '../admin/routes/taps.ts';
import { startAdmin } from '../admin/server.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import type { AgentIdentity } from '../coordination/group.ts';
import { readSecret } from '../inputs/configured-file.ts';
import type { Clock } from '../lib/clock.ts';
import { orLate } from '../lib/or-late.ts';
import type { DeadLetters } from '../pipeline/dead-letters.ts';
import { siteReadings } from '../services/livestatus-proxy/site-readings.ts';
import type { SiteState } from '../services/livestatus-proxy/state-text.ts';
import type { Emit } from '../telemetry/events.ts';
import type { Readings } from '../telemetry/readings.ts';
import type { Scraped } from '../telemetry/telemetry.ts';
import { readingsOf } from './admin-readings.ts';
import { AgentWatch } from './agent-watch.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Figures } from './figures.ts';
import type { HostView } from './hosts-view.ts';
import type { MailReading } from './mail-service.ts';
import type { ToldLately } from './told-lately.ts';

export type Scrape = (readings: Readings) => Promise<Scraped>;

export interface AdminParts {
  readonly config: AgentConfig;
  readonly identity: AgentIdentity;
  readonly version: string;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly figures: Figures;
  readonly told: ToldLately;
  readonly deadLetters: Pick<DeadLetters, 'list' | 'get' | 'stats'>;
  readonly actions: AgentActions;
  readonly scrape?: Scrape;
  readonly look: () => Promise<ClusterView>;
  /** Without it: no mails are sent. */
  readonly mails?: () => (MailReading & Pick<MailNow, 'servers'>) | null;
  readonly spool?: () => SpoolNow | null;
  /** Of the Livestatus proxy in this agent, if one runs. */
  readonly sites?: () => readonly SiteState[];
  /** Without it: nobody is expected to report. */
  readonly hosts?: () => Promise<readonly HostView[]>;
}

export interface AgentAdmin {
  readonly health: Health;
  /** Null where nothing is served. */
  readonly address: string | null;
  close(): Promise<void>;
}

/** Serves what `admin.listen` asks for, from the first moment on, so that a start that takes long is seen as one. */
export async function openAdmin(parts: AdminParts): Promise<AgentAdmin> {
  const { config, identity, version, emit, figures, scrape, clock } = parts;
  const health = new Health();
  const { listen, tokenFile } = config.admin;
  if (listen === null || scrape === undefined) return { health, address: null, close: async () => undefined };
  const look = async () => {
    const view = await lookSoon(parts);
    health.note('stores', view === null ? 'they do not answer' : null);
    return view;
  };
  const mails = () => parts.mails?.() ?? null;
  const watch = new AgentWatch({
    clock,
    cluster: config.cluster,
    servedBy: () => ({ ...identity, build: version, reason: health.reason }),
    look,
    mail: () => mails(),
    spool: () => parts.spool?.() ?? null,
    deadLetters: parts.deadLetters,
    lettersKeptIn: `${hostname()}:${config.dataDir}`,
    told: parts.told,
  });
  const admin = await startAdmin({
    ...listen,
    token: tokenFile === null ? null : await readSecret(tokenFile, undefined),
    health,
    version,
    metrics: async () =>
      scrape({ ...readingsOf(figures, await look(), identity.boot, mails()), ...siteReadings(parts.sites?.() ?? []) }),
    status: async () => {
      const view = await look();
      return view === null ? null : { ...view, mails: mails(), servedBy: { ...identity, build: version, reason: health.reason } };
    },
    routes: [
      ...resourceRoutes(watch),
      ...letterRoutes(watch),
      ...(parts.hosts === undefined ? [] : hostRoutes(parts.hosts)),
      ...changeRoutes(parts.actions),
      tapRoute(parts.actions),
      traceRoute(parts.actions),
      eventsRoute(watch),
      ...(await pageRoutes()),
    ],
  });
  watch.run();
  emit('admin:listening', { address: admin.address });
  return {
    health,
    address: admin.address,
    close: async () => {
      await Promise.all([watch.close(), admin.close()]);
    },
  };
}

/** Prometheus gives up after 10 s. */
const lookMs = 3_000;

/** Null when a store does not answer, which is shown as such: it must not hide what this process counts itself. */
function lookSoon({ look, clock }: AdminParts): Promise<ClusterView | null> {
  return orLate(clock, lookMs, look(), null).catch(() => null);
}
