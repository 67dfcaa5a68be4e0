/**
 * Of some outputs, by their place among them, the trace (W3C `traceparent`) of the notification that brought each out; beyond its end none has one.
 * No part of what an output is: nothing is computed or stored of it, so what is read back from a disk or a store has none.
 */
export type OutputTraces = readonly (string | undefined)[];

/** Those from `from` to before `to` belong to this trace. Returns the list, which is made by the first that has one. */
export function markTrace(
  traces: (string | undefined)[] | undefined,
  from: number,
  to: number,
  trace: string,
): (string | undefined)[] {
  const all = traces ?? [];
  while (all.length < from) all.push(undefined);
  while (all.length < to) all.push(trace);
  return all;
}

/** Of all lists one after the other; undefined where none has any. */
export function joinTraces(
  lists: readonly { readonly count: number; readonly traces?: OutputTraces | undefined }[],
): OutputTraces | undefined {
  if (lists.every(({ traces }) => traces === undefined)) return undefined;
  const all: (string | undefined)[] = [];
  for (const { count, traces } of lists) for (let i = 0; i < count; i++) all.push(traces?.[i]);
  return all;
}

/** What to say of all of so many outputs at once: where they belong to one trace, the first one's place in it. */
export function commonTrace(traces: OutputTraces | undefined, count: number): string | undefined {
  const first = traces?.[0];
  if (first === undefined) return undefined;
  for (let i = 1; i < count; i++) if (idOf(traces?.[i]) !== idOf(first)) return undefined;
  return first;
}

/** `00-<trace id>-<span id>-<flags>` */
const idOf = (traceparent: string | undefined) => traceparent?.slice(3, 35);
