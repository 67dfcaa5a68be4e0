import type { Readings } from '../../telemetry/readings.ts';
import type { SiteState } from './state-text.ts';

/** What `/metrics` shows of the sites beside what was told as events. */
export function siteReadings(sites: readonly SiteState[]): Partial<Readings> {
  const each = (value: (site: SiteState) => number | null) =>
    sites.flatMap((site) => {
      const read = value(site);
      return read === null ? [] : [{ labels: { site: site.id }, value: read }];
    });
  const byState = (states: readonly string[], list: (site: SiteState) => readonly { readonly state: string }[]) =>
    sites.flatMap((site) =>
      states.map((state) => ({
        labels: { site: site.id, state },
        value: list(site).filter((one) => one.state === state).length,
      })),
    );
  return {
    livestatus_site_up: each((site) => (site.verdict === 'ready' || site.verdict === 'suspect' ? 1 : 0)),
    livestatus_channels: byState(['connecting', 'ready', 'busy'], (site) => site.channels),
    livestatus_clients: byState(['query', 'channel', 'response'], (site) => site.clients),
    livestatus_heartbeat_seconds: each((site) => (site.typicalMs === null ? null : site.typicalMs / 1000)),
    livestatus_cached_answers: each((site) => site.cached),
  };
}
