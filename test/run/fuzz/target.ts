import type { IRawProperty } from 'fast-check';
import { Fault, type FaultClass } from '../../../src/model/faults.ts';

export interface Target {
  readonly id: string;
  readonly about: string;
  // biome-ignore lint/suspicious/noExplicitAny: each target draws its own values; the runner only hands them on.
  readonly property: IRawProperty<any, false>;
}

/** What the reader gave, or null when it refused with a fault of that class; anything else it threw goes on. */
export function refusable<T>(read: () => T, faultClass: FaultClass): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof Fault && error.class === faultClass) return null;
    throw error;
  }
}

/** No input may reach what all objects share. */
export function unpolluted(): boolean {
  return ({} as { polluted?: unknown }).polluted === undefined && ([] as { polluted?: unknown }).polluted === undefined;
}
