import { Fault } from './faults.ts';
import { Float } from './json.ts';

/** Seconds and nanoseconds since 1970: extension type 0 of the Forward protocol. */
export class EventTime {
  readonly seconds: number;
  readonly nanoseconds: number;
  constructor(seconds: number, nanoseconds: number) {
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }

  static ofMs(ms: number): EventTime {
    return new EventTime(Math.floor(ms / 1000), Math.floor(ms % 1000) * 1_000_000);
  }

  get ms(): number {
    return this.seconds * 1000 + this.nanoseconds / 1_000_000;
  }
}

/** What MessagePack can say, with `Json`'s difference between ints and floats kept. An extension we do not know is its bytes. */
export type Packed = null | boolean | number | bigint | Float | string | Uint8Array | EventTime | readonly Packed[] | PackedMap;
export interface PackedMap {
  readonly [key: string]: Packed;
}

export function isPackedMap(value: Packed | undefined): value is PackedMap {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !(value instanceof Uint8Array || value instanceof EventTime || value instanceof Float);
}

export function badFrame(message: string): Fault {
  return new Fault('poison', 'bad_frame', message);
}
