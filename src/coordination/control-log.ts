import type { Layout } from './group.ts';

/**
 * The few facts of a cluster that must outlive a coordination store that forgot: a Redis that was restored from an older file, flushed or
 * replaced by another. They stand on the bus, beside the entries they belong to. Listeners read the layouts here, so they run and even
 * start while Redis is down.
 */
export interface ControlRecord {
  /** Made once with the cluster; a store that says another one belongs to somebody else. */
  readonly clusterId: string;
  /** Raised by every recovery, never lowered. */
  readonly incarnation: number;
  /** Every epoch granted under this incarnation is above it. */
  readonly epochFloor: number;
  readonly layouts: Readonly<Record<string, Layout>>;
}

/**
 * Promises: `update` runs alone among all agents of the cluster, and what it returns is durable on the bus when it resolves. A change that
 * throws, or an agent that dies in it, leaves the record as it was or as it was to be, never neither.
 */
export interface ControlLog {
  /** Null: nothing was ever written. */
  read(): Promise<ControlRecord | null>;
  update(change: (current: ControlRecord | null) => ControlRecord): Promise<ControlRecord>;
  close(): Promise<void>;
}
