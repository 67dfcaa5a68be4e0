import { readRelpFrame, relpFrame, relpOffers } from '../../core/spool/relp.ts';
import { readSyslog } from '../../core/spool/syslog.ts';
import { Fault } from '../../model/faults.ts';
import { EventTime, type Packed } from '../../model/msgpack-value.ts';
import { pack } from '../../model/msgpack-writer.ts';
import { stableId } from '../../model/stable-hash.ts';
import type { Arrival } from './arrivals.ts';
import type { Link, Session } from './link.ts';

export interface RelpSinkRules {
  readonly onAgreed: (link: Link) => void;
  readonly gather: (link: Link, arrivals: readonly Arrival[], flushed: () => void) => void;
  readonly isFull: () => boolean;
}

/**
 * The sink's end of a RELP connection: answers a transaction once its message is on disk. A message of ours is known by its id when it
 * comes again; one of another program has none, and comes twice when its acknowledgement was lost.
 */
export class RelpSinkSession implements Session {
  readonly #link: Link;
  readonly #rules: RelpSinkRules;
  #pending = 0;
  #connection = 0;

  constructor(link: Link, rules: RelpSinkRules) {
    this.#link = link;
    this.#rules = rules;
  }

  get busy(): boolean {
    return this.#rules.isFull();
  }

  get pending(): number {
    return this.#pending;
  }

  opened(): void {
    this.#connection += 1;
  }

  frame(frame: Uint8Array): void {
    const { transaction, command, data } = readRelpFrame(frame);
    if (command === 'open') {
      this.#link.send(relpFrame(transaction, 'rsp', `200 OK\n${relpOffers}`));
      this.#link.agreed();
      this.#rules.onAgreed(this.#link);
    } else if (command === 'close') {
      this.#link.send(relpFrame(transaction, 'rsp'));
      this.#link.send(relpFrame(0, 'serverclose'));
      throw new Fault('retryable', 'closed', 'the source closed the connection');
    } else if (command === 'syslog' && this.#link.established) this.#take(transaction, data);
    else this.#link.send(relpFrame(transaction, 'rsp', `500 ${command} is not known here`));
  }

  heartbeat(): void {}

  lost(): void {
    this.#connection += 1;
    this.#pending = 0;
  }

  #take(transaction: number, data: Uint8Array): void {
    const { clock } = this.#link.options;
    const { uuid, record } = readSyslog(new TextDecoder().decode(data).trimEnd());
    const id = uuid ?? stableId(['relp', this.#link.name, String(this.#link.sinceMs), String(transaction)]);
    const entry = pack([EventTime.ofMs(clock.now()), record as Packed]);
    const connection = this.#connection;
    this.#pending += 1;
    this.#rules.gather(this.#link, [{ id, tag: 'syslog', peer: this.#link.place, entry }], () => {
      if (connection !== this.#connection) return;
      this.#pending -= 1;
      this.#link.received += 1;
      this.#link.send(relpFrame(transaction, 'rsp', '200 OK'));
    });
  }
}
