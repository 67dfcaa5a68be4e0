import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { AgentIdentity } from '../coordination/group.ts';
import { makeAgentName } from '../model/agent-name.ts';

/** Stable when the operator says so (`--static-id`), else unlike any other; the boot is new with every process. */
export function makeIdentity(staticId: string | null): AgentIdentity {
  const boot = randomBytes(16).toString('hex');
  return { agent: staticId ?? makeAgentName(hostname(), process.pid, boot), boot };
}
