import type { Unit } from '../group.ts';

/**
 * The keys of one cluster. They share one hash tag, so that a script may touch several of them and one pattern of an ACL covers them.
 *
 * | key                      | holds |
 * |--------------------------|-------|
 * | `{c}:meta`               | hash: `clusterId`, `inc`, `run`, `floor`; `kid`, `mac` (seal); `back`, `lastNow` (time) |
 * | `{c}:members`            | hash: agent/boot → store time, ttl, signed record |
 * | `{c}:plan`               | hash: `ver`, `owners`, `kid`, `mac` |
 * | `{c}:layouts`            | hash: sink → layout |
 * | `{c}:units`              | hash: every unit that ever had a lease |
 * | `{c}:recovered`          | hash: `inc` of the last recovery, and unit → version that stood there then |
 * | `{c}:mails`              | hash: mail that an agent has accepted → `kid mac` |
 * | `{c}:mails:order`        | list: these mails, oldest first |
 * | `{c}:lease:<unit>`       | hash: `agent`, `boot`, `epoch`, `inc`, `exp`, `plan`, `kid`, `mac`. Never expires: the epoch would be lost |
 * | `{c}:unit:<unit>:<part>` | the partition store's |
 */
export interface ClusterKeys {
  readonly meta: string;
  readonly members: string;
  readonly plan: string;
  readonly layouts: string;
  readonly units: string;
  readonly recovered: string;
  readonly mails: string;
  readonly mailOrder: string;
  lease(unit: Unit): string;
  part(unit: Unit, part: string): string;
}

export function clusterKeys(cluster: string): ClusterKeys {
  const tag = `{${cluster}}`;
  return {
    meta: `${tag}:meta`,
    members: `${tag}:members`,
    plan: `${tag}:plan`,
    layouts: `${tag}:layouts`,
    units: `${tag}:units`,
    recovered: `${tag}:recovered`,
    mails: `${tag}:mails`,
    mailOrder: `${tag}:mails:order`,
    lease: (unit) => `${tag}:lease:${unit}`,
    part: (unit, part) => `${tag}:unit:${unit}:${part}`,
  };
}
