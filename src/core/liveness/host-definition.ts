import type { JsonObject } from '../../model/json.ts';

/** What is expected of one host, after groups, templates and the host's own words are merged (`inventory.ts`). Plain JSON. */
export interface HostDefinition {
  readonly host: string;
  readonly address: string;
  /** The first one is the host's place in storms. */
  readonly groups: readonly string[];
  /** Hosts that it is reached through: while all of them are down, it is theirs. */
  readonly parents: readonly string[];
  readonly services: readonly ServiceDefinition[];
  readonly triggers: readonly TriggerDefinition[];
  readonly maintenance: readonly MaintenanceWindow[];
}

export interface ServiceDefinition {
  readonly name: string;
  readonly intervalMs: number;
  readonly toleranceMs: number;
  /** So many reports must be missing before the host is down; the first missing one is told as late. */
  readonly downAfter: number;
}

export interface TriggerDefinition {
  readonly id: string;
  readonly service: string;
  /** Over the data of a report. */
  readonly expression: string;
  /** Clears it; without one it clears when the expression is false. */
  readonly recovery: string | null;
  readonly severity: string;
}

/** Epoch ms, `until` excluded. */
export interface MaintenanceWindow {
  readonly from: number;
  readonly until: number;
  readonly reason: string;
}

/** The service whose silence means that nobody can reach the host. */
export const aliveService = 'uptime';

export function toJson(definition: HostDefinition): JsonObject {
  return definition as unknown as JsonObject;
}

/** The reverse: our own inventory wrote it. */
export function fromJson(json: JsonObject): HostDefinition {
  return json as unknown as HostDefinition;
}
