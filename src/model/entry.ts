import { Fault } from './faults.ts';
import type { Item } from './item.ts';
import type { Json, JsonObject } from './json.ts';
import { isObject } from './json.ts';
import { parseJson, printJson } from './json-text.ts';

/**
 * What stands in a partition of an internal topic, as one JSON text each. Entries are the only input of a worker: the same
 * entries in the same order give the same state and the same outputs, on any machine, for ever.
 *
 * | kind      | written by | meaning |
 * |-----------|------------|---------|
 * | `genesis` | whoever created the topic | first entry: which partition of which layout this is |
 * | `data`    | a listener | notifications' items (or a canary), numbered gapless per listener boot from 1 |
 * | `tick`    | the owner  | the clock says `at`; makes partition time |
 * | `config`  | the owner  | from here on the sink runs under this configuration |
 */
export type Entry = GenesisEntry | DataEntry | TickEntry | ConfigEntry;

export interface GenesisEntry {
  readonly kind: 'genesis';
  readonly cluster: string;
  readonly sink: string;
  readonly generation: number;
  readonly partition: number;
  readonly uuid: string;
}

export interface DataEntry {
  readonly kind: 'data';
  /** The listener's boot id and its sequence in this partition and generation. */
  readonly listener: string;
  readonly seq: number;
  /** The listener's clock, epoch ms. */
  readonly at: number;
  /** Raw messages of this listener's entries up to this sequence are acknowledged, and the broker was seen to know it. */
  readonly proven: number;
  readonly notifications: readonly Part[];
  /** Inputs whose canary came by, and when it was sent (epoch ms): all that input gave before is in the topic. */
  readonly canaries: readonly (readonly [input: string, sentAt: number])[];
}

/** The items of one notification for one source of the sink: the unit of dedupe and of Ceilometer's flush. */
export interface Part {
  readonly id: string;
  readonly items: readonly Item[];
  /** The trace that the notification belongs to, where its sender said so: W3C `traceparent`. Nothing is computed from it. */
  readonly trace?: string;
}

export interface TickEntry {
  readonly kind: 'tick';
  readonly incarnation: number;
  readonly epoch: number;
  /** Which tick of that owner, increasing: one that is given again must not count twice. */
  readonly n: number;
  readonly at: number;
}

export interface ConfigEntry {
  readonly kind: 'config';
  readonly hash: string;
  /** Names of the inputs whose canaries this sink waits for. */
  readonly inputs: readonly string[];
  readonly at: number;
}

export function printEntry(entry: Entry): string {
  switch (entry.kind) {
    case 'data':
      return printJson({
        v: 1,
        k: 'data',
        l: entry.listener,
        s: entry.seq,
        at: entry.at,
        a: entry.proven,
        n: entry.notifications.map(({ id, items, trace }) => {
          const part = { i: id, m: items as unknown as Json };
          return trace === undefined ? part : { ...part, t: trace };
        }),
        ...(entry.canaries.length > 0 ? { c: entry.canaries } : {}),
      });
    case 'tick':
      return printJson({ v: 1, k: 'tick', inc: entry.incarnation, ep: entry.epoch, n: entry.n, at: entry.at });
    case 'config':
      return printJson({ v: 1, k: 'config', hash: entry.hash, inputs: entry.inputs, at: entry.at });
    case 'genesis': {
      const { kind, ...rest } = entry;
      return printJson({ v: 1, k: kind, ...rest });
    }
  }
}

// The listener held every notification to the limits; an entry of many would only be searched for its depth in vain.
const trusted = { maxDepth: Number.POSITIVE_INFINITY, maxString: Number.POSITIVE_INFINITY };

/** Throws a poison Fault for anything that no version of us wrote. What is in an item is trusted: a listener wrote it. */
export function parseEntry(text: string): Entry {
  const value = parseJson(text, trusted);
  if (!isObject(value) || value['v'] !== 1) throw malformed('no entry of version 1');
  switch (value['k']) {
    case 'data':
      return {
        kind: 'data',
        listener: str(value, 'l'),
        seq: num(value, 's'),
        at: num(value, 'at'),
        proven: num(value, 'a'),
        notifications: list(value, 'n').map((part) => {
          if (!isObject(part)) throw malformed('n holds something that is no object');
          const { t: trace } = part;
          const read = { id: str(part, 'i'), items: list(part, 'm').map(toItem) };
          return typeof trace === 'string' ? { ...read, trace } : read;
        }),
        canaries: value['c'] === undefined ? [] : list(value, 'c').map(toCanary),
      };
    case 'tick':
      return { kind: 'tick', incarnation: num(value, 'inc'), epoch: num(value, 'ep'), n: num(value, 'n'), at: num(value, 'at') };
    case 'config':
      return { kind: 'config', hash: str(value, 'hash'), inputs: list(value, 'inputs').map(String), at: num(value, 'at') };
    case 'genesis':
      return {
        kind: 'genesis',
        cluster: str(value, 'cluster'),
        sink: str(value, 'sink'),
        generation: num(value, 'generation'),
        partition: num(value, 'partition'),
        uuid: str(value, 'uuid'),
      };
    default:
      throw malformed(`unknown kind ${String(value['k'])}`);
  }
}

function toItem(value: Json): Item {
  if (!isObject(value)) throw malformed('m holds something that is no object');
  return value as unknown as Item;
}

function toCanary(value: Json): DataEntry['canaries'][number] {
  if (!Array.isArray(value) || typeof value[0] !== 'string' || typeof value[1] !== 'number')
    throw malformed('c holds something that is no canary');
  return [value[0], value[1]];
}

function malformed(what: string): Fault {
  return new Fault('poison', 'bad_entry', `Not an entry of an internal topic: ${what}.`);
}

function str(object: JsonObject, key: string): string {
  const value = object[key];
  if (typeof value !== 'string') throw malformed(`${key} is no text`);
  return value;
}

function num(object: JsonObject, key: string): number {
  const value = object[key];
  if (typeof value !== 'number') throw malformed(`${key} is no number`);
  return value;
}

function list(object: JsonObject, key: string): readonly Json[] {
  const value = object[key];
  if (!Array.isArray(value)) throw malformed(`${key} is no list`);
  return value;
}
