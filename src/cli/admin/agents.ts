import { openPlaces } from '../../agent/places.ts';
import type { AgentConfig } from '../../config/agent-config.ts';
import { loadAgent } from '../../config/load-agent.ts';
import type { Member } from '../../coordination/group.ts';
import { systemClock } from '../../lib/clock.ts';
import { CliFailure } from '../failure.ts';
import { AdminClient, clientsOf, readToken } from './client.ts';

export interface AgentsOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly url?: readonly string[];
}

export interface AskedAgent {
  readonly agent: string;
  readonly client: AdminClient;
}

/** Those that were named by `--url`, else every living member that serves its admin interface. Throws a `CliFailure` where there is none. */
export async function askedAgents(options: AgentsOptions): Promise<readonly AskedAgent[]> {
  const config = await loadAgent(options.config ?? null, process.env, { data_dir: options.dataDir });
  const token = await readToken(config);
  if (options.url !== undefined && options.url.length > 0)
    return options.url.map((url) => ({ agent: url, client: new AdminClient(url, token) }));
  const members = await livingMembers(config);
  const found = clientsOf(members, token);
  if (members.length === 0) throw new CliFailure('no agent is alive');
  if (found.length === 0)
    throw new CliFailure('no agent serves its admin interface: set `admin.listen` in the agent file, or name one with --url');
  return found;
}

async function livingMembers(config: AgentConfig): Promise<readonly Member[]> {
  const places = await openPlaces({ config, clock: systemClock, random: Math.random, emit: () => undefined });
  try {
    return await places.group.members();
  } finally {
    await places.close();
  }
}

export function collect(url: string, before: readonly string[] = []): readonly string[] {
  return [...before, url];
}
