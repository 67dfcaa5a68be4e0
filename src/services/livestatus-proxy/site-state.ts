import type { ServedSite } from './served-site.ts';
import type { SiteState } from './state-text.ts';

/** What a site looks like now. */
export function siteState(served: ServedSite, monotonicMs: number): SiteState {
  const { site, cache, clients } = served;
  const { beat } = site.heartbeat;
  const programStart = Number(site.facts?.programStart);
  const jobs = site.jobs;
  return {
    id: site.id,
    verdict: beat.verdict,
    startedAt: site.startedAt,
    reloadedAt: Number.isFinite(programStart) && programStart > 0 ? programStart * 1000 : null,
    lastFailure: site.lastFailure,
    mode: site.policy.mode,
    cap: site.policy.cap,
    cached: cache?.size ?? null,
    oldestCachedMs: cache?.oldestMs ?? null,
    channels: [...site.pool.all].map((channel) => {
      const job = jobs.find((each) => each.channel === channel);
      return {
        state: channel.state === 'idle' ? 'ready' : channel.state,
        client: job?.trace ?? null,
        sinceMs: monotonicMs - (job?.stateSinceMs ?? channel.openedAt),
      };
    }),
    clients: [...clients].map((client) => ({ name: client.name, state: client.state, sinceMs: monotonicMs - client.sinceMs })),
    heartbeats: beat.received,
    nextInMs: site.heartbeat.nextInMs,
    typicalMs: beat.typicalMs,
  };
}
