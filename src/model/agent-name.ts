/**
 * The name of an agent says by itself whether its operator gave it (`--static-id`, `[a-z0-9_-]+`) or whether it was made at start. It is all that is
 * left in the plan of an agent that has gone, and tells the others whether that one will come back.
 */
export function makeAgentName(host: string, pid: number, boot: string): string {
  return `${host}:${pid}:${boot.slice(0, 4)}`;
}

export function isGivenName(name: string): boolean {
  return !name.includes(':');
}
