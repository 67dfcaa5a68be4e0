import type { Law } from '../../../src/core/transformers/laws.ts';
import type {
  AnyTransformer,
  KeyedTransformer,
  StatelessTransformer,
  TableTransformer,
} from '../../../src/core/transformers/transformer.ts';
import type { Sample } from '../../../src/model/sample.ts';

// biome-ignore lint/suspicious/noExplicitAny: a fault is planted into any transformer, whatever its parameters and states are.
type Any = any;
type Keyed = KeyedTransformer<Any, Any>;
type Table = TableTransformer<Any, Any>;
type Stateless = StatelessTransformer<Any>;

export interface PlantedFault {
  readonly law: Law['id'];
  /** The transformer of the registry it is planted into. */
  readonly of: string;
  readonly does: string;
  plant(healthy: AnyTransformer): AnyTransformer;
}

function keyed(law: Law['id'], of: string, does: string, change: (healthy: Keyed) => Partial<Keyed>): PlantedFault {
  return { law, of, does, plant: (healthy) => ({ ...(healthy as Keyed), ...change(healthy as Keyed) }) };
}

function table(law: Law['id'], of: string, does: string, change: (healthy: Table) => Partial<Table>): PlantedFault {
  return { law, of, does, plant: (healthy) => ({ ...(healthy as Table), ...change(healthy as Table) }) };
}

function stateless(law: Law['id'], of: string, does: string, change: (healthy: Stateless) => Partial<Stateless>): PlantedFault {
  return { law, of, does, plant: (healthy) => ({ ...(healthy as Stateless), ...change(healthy as Stateless) }) };
}

export const faults: readonly PlantedFault[] = [
  keyed('examples-run', 'delta', 'emits nothing', () => ({
    step: (_p, _s, item) => ({ state: [(item as Sample).volume, 0], out: [] }),
  })),
  keyed('examples-run', 'rate_of_change', 'has no example', () => ({ examples: [] })),
  stateless('examples-run', 'filter', 'keeps everything', () => ({ step: (_p, item) => ({ out: [{ item }] }) })),
  keyed('examples-run', 'window', 'closes its windows never', ({ due: _due, deadline: _deadline, ...rest }) => ({
    ...rest,
    deadline: () => null,
  })),

  keyed('state-crosses-json', 'delta', 'keeps its predecessors outside of the state', (healthy) => {
    const memory = new WeakMap<object, unknown>();
    return {
      step: (parameters, state, item, time) => {
        const result = healthy.step(parameters, state === undefined ? undefined : memory.get(state as object), item, time);
        const token = Object.assign([0, 0], {});
        memory.set(token, result.state);
        return { ...result, state: token };
      },
    };
  }),
  keyed('state-crosses-json', 'rate_of_change', 'marks its state with what JSON does not carry', (healthy) => ({
    step: (parameters, state, item, time) => {
      const isLive = state === undefined || Object.getOwnPropertySymbols(state).length > 0;
      const result = healthy.step(parameters, isLive ? state : undefined, item, time);
      return result.state === null ? result : { ...result, state: Object.assign([...result.state], { [Symbol('live')]: true }) };
    },
  })),
  table('state-crosses-json', 'accumulator', 'counts in a variable', (healthy) => {
    let held = 0;
    return {
      step: (parameters, states, item, time) => {
        if (states.size === 0) held = 0;
        held += 1;
        return healthy.step(parameters, states, item, time);
      },
      flush: (parameters, states, time) => {
        const flushed = held % 2 === 1 || states.size === 0;
        return flushed ? (healthy.flush?.(parameters, states, time) ?? { writes: [], out: [] }) : { writes: [], out: [] };
      },
      // A variable survives nothing: a new chain finds the step the way a new process would.
      needsTime: () => {
        held = 0;
        return false;
      },
    };
  }),
  keyed('state-crosses-json', 'deduplicate', 'has a schema its own state does not fit', (healthy) => ({
    step: (parameters, state, item, time) => {
      const result = healthy.step(parameters, (state as { at?: number } | undefined)?.at, item, time);
      return { ...result, state: { at: result.state } };
    },
    deadline: (parameters, state) => healthy.deadline?.(parameters, (state as { at: number }).at) ?? null,
  })),

  keyed('no-mutation', 'delta', 'writes into its state', (healthy) => ({
    step: (parameters, state, item, time) => {
      const result = healthy.step(parameters, state === undefined ? undefined : [...state], item, time);
      if (state === undefined || result.state === null) return result;
      state[0] = result.state[0];
      state[1] = result.state[1] + 1;
      return { ...result, state };
    },
  })),
  stateless('no-mutation', 'rename', 'writes into the metadata of the item', (healthy) => ({
    step: (parameters, item) => {
      if ('resource_metadata' in item) Object.assign(item.resource_metadata, { renamed: true });
      return healthy.step(parameters, item);
    },
  })),
  table('no-mutation', 'aggregator', 'adds up in place', (healthy) => ({
    step: (parameters, states, item, time) => {
      for (const [key, state] of states.entries()) if (key !== '' && state.sample !== null) state.sample.volume = 7;
      return healthy.step(parameters, states, item, time);
    },
  })),
  keyed('no-mutation', 'window', 'empties its state when it closes', (healthy) => ({
    due: (parameters, state, key, time) => {
      const result = healthy.due?.(parameters, [...state], key, time) ?? { state: null, out: [] };
      (state as unknown[]).length = 0;
      return result;
    },
  })),

  stateless('nothing-vanishes', 'filter', 'drops without counting', (healthy) => ({
    step: (parameters, item) => ({ out: healthy.step(parameters, item).out }),
  })),
  keyed('nothing-vanishes', 'deduplicate', 'drops duplicates silently', (healthy) => ({
    step: (parameters, state, item, time) => {
      const { state: next, out } = healthy.step(parameters, state, item, time);
      return { state: next, out };
    },
  })),
  keyed('nothing-vanishes', 'window', 'forgets its windows instead of closing them', () => ({
    due: () => ({ state: null, out: [] }),
  })),
  keyed('nothing-vanishes', 'correlate', 'forgets what never ended', () => ({ due: () => ({ state: null, out: [] }) })),
  table('nothing-vanishes', 'accumulator', 'lets its samples fall', (healthy) => ({
    flush: (parameters, states, time) => ({ writes: healthy.flush?.(parameters, states, time).writes ?? [], out: [] }),
  })),

  table('twice-is-once', 'accumulator', 'keeps what it let go', (healthy) => ({
    flush: (parameters, states, time) => ({ writes: [], out: healthy.flush?.(parameters, states, time).out ?? [] }),
  })),
  table('twice-is-once', 'aggregator', 'keeps its aggregates', (healthy) => ({
    flush: (parameters, states, time) => ({ writes: [], out: healthy.flush?.(parameters, states, time).out ?? [] }),
  })),
  table('twice-is-once', 'arithmetic', 'computes again from what it has', (healthy) => ({
    flush: (parameters, states, time) => ({ writes: [], out: healthy.flush?.(parameters, states, time).out ?? [] }),
  })),
  table('twice-is-once', 'accumulator', 'emits whenever it is told the time', (healthy) => ({
    needsTime: () => true,
    flush: (parameters, states, time) => {
      const [first] = states.entries();
      const result = healthy.flush?.(parameters, states, time) ?? { writes: [], out: [] };
      return first === undefined ? result : { ...result, out: [...result.out, { item: first[1] }] };
    },
  })),

  keyed('same-again', 'delta', 'stamps its output with the clock', (healthy) => ({
    step: (parameters, state, item, time) => {
      const result = healthy.step(parameters, state, item, time);
      const out = result.out.map((output) => ({ ...output, item: { ...(output.item as Sample), timestamp: `${Date.now()}` } }));
      return { ...result, out };
    },
  })),
  stateless('same-again', 'unit_conversion', 'names its output by chance', (healthy) => ({
    step: (parameters, item) => {
      const { out } = healthy.step(parameters, item);
      return { out: out.map((output) => (output.item === item ? output : { ...output, basis: [`${Math.random()}`] })) };
    },
  })),
  keyed('same-again', 'window', 'numbers its output with a counter', (healthy) => {
    let emitted = 0;
    return {
      due: (parameters, state, key, time) => {
        const result = healthy.due?.(parameters, state, key, time) ?? { state: null, out: [] };
        return { ...result, out: result.out.map((output) => ({ ...output, basis: [`${emitted++}`] })) };
      },
    };
  }),
];
