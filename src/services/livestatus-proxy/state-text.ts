import type { Verdict } from '../../core/livestatus/heartbeat.ts';

/** What a proxy shows of one site. Times are epoch ms of the machine's clock, ages come from the monotonic one. */
export interface SiteState {
  readonly id: string;
  readonly verdict: Verdict;
  readonly startedAt: number;
  /** The site's own start, as it says. */
  readonly reloadedAt: number | null;
  readonly lastFailure: { readonly at: number; readonly error: string } | null;
  readonly mode: string;
  readonly cap: number;
  readonly cached: number | null;
  readonly oldestCachedMs: number | null;
  readonly channels: readonly { readonly state: string; readonly client: string | null; readonly sinceMs: number }[];
  readonly clients: readonly { readonly name: string; readonly state: string; readonly sinceMs: number }[];
  readonly heartbeats: number;
  readonly nextInMs: number;
  readonly typicalMs: number | null;
}

/**
 * The state file in the format that Checkmk's own tools read: they look for `State:` lines that say `ready`, and at the dump time. Lines
 * of ours (policy, typical response time, age of what is cached) have names that it does not use.
 */
export function stateText(nowMs: number, sites: readonly SiteState[]): string {
  const lines = ['----------------------------------------------', 'Current state:'];
  for (const site of sites) lines.push(...siteLines(nowMs, site));
  return `${lines.join('\n')}\n`;
}

function siteLines(nowMs: number, site: SiteState): string[] {
  const at = (ms: number | null) => (ms === null ? 'Never' : `${localTime(ms)} (${duration(nowMs - ms)})`);
  const since = (ageMs: number) => `since: ${localTime(nowMs - ageMs)} (${duration(ageMs)})`;
  const field = (name: string, value: string) => `  ${`${name}:`.padEnd(24)} ${value}`;
  return [
    `[${site.id}]`,
    field('State', site.verdict === 'suspect' ? 'ready' : site.verdict === 'dead' ? 'starting' : site.verdict),
    field('Verdict', site.verdict),
    field('State dump time', at(nowMs)),
    field('Last reset', at(site.startedAt)),
    field("Site's last reload", at(site.reloadedAt)),
    field('Last failed connect', site.lastFailure === null ? 'Never' : at(site.lastFailure.at)),
    field('Last failed error', site.lastFailure?.error ?? 'None'),
    field('Cached responses', String(site.cached ?? 0)),
    ...(site.oldestCachedMs === null ? [] : [field('Oldest cached response', `${duration(site.oldestCachedMs)} old`)]),
    field('Channel policy', `${site.mode}, at most ${site.cap}`),
    '  Channels:',
    ...site.channels.map(
      (channel, i) =>
        `${String(i + 1).padStart(8)} - ${channel.state.padEnd(15)} -  client: ${channel.client ?? 'none'} - ${since(channel.sinceMs)}`,
    ),
    '  Clients:',
    ...site.clients.map((client) => `    ${client.name} - ${client.state} - ${since(client.sinceMs)}`),
    '  Heartbeat:',
    `    heartbeats received: ${site.heartbeats}`,
    `    next in ${(site.nextInMs / 1000).toFixed(1)}s`,
    ...(site.typicalMs === null ? [] : [`    typical response time: ${site.typicalMs.toFixed(1)} ms`]),
    '  Inventory:',
    '    State: not running',
    '    Last update: Never',
  ];
}

/** `2021-12-01 15:01:15` in the machine's own zone. */
function localTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** As Python prints a timedelta of whole seconds: `0:02:25`, `3 days, 1:00:00`. Never negative: a clock that was set back is no age. */
function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const days = Math.floor(seconds / 86_400);
  const two = (value: number) => String(value).padStart(2, '0');
  const clock = `${Math.floor((seconds % 86_400) / 3600)}:${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return days === 0 ? clock : `${days} day${days === 1 ? '' : 's'}, ${clock}`;
}
