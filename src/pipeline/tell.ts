import type { Emit, Facts } from '../telemetry/events.ts';

type LaneEvent =
  | 'publish:accepted'
  | 'publish:retry'
  | 'publish:dropped'
  | 'publish:held'
  | 'publish:full'
  | 'publish:room'
  | 'publish:pending'
  | 'breaker:opened'
  | 'breaker:closed';

/** Emits with the sink and the publisher already filled in. */
export type Tell = <E extends LaneEvent>(name: E, facts: Omit<Facts<E>, 'sink' | 'publisher'>) => void;

export function tellAbout({
  name: publisher,
  sink,
  emit,
}: {
  readonly name: string;
  readonly sink: string;
  readonly emit: Emit;
}): Tell {
  return (name, facts) => emit(name, { ...facts, sink, publisher } as unknown as Facts<typeof name>);
}
