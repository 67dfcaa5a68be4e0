import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { uuidOf } from '../../core/spool/entry.ts';
import { ackMessage, heartbeatTag, readForwardMessage, readPackedEntries } from '../../core/spool/forward-message.ts';
import { Fault } from '../../model/faults.ts';
import { stableId } from '../../model/stable-hash.ts';
import type { Arrival } from './arrivals.ts';
import { answerPing, challenge } from './handshake.ts';
import type { Link, Session } from './link.ts';

export interface SinkRules {
  readonly site: string;
  readonly key: string | undefined;
  /** A message that says it is larger once unpacked is refused. */
  readonly maxBytes: number;
  readonly onAgreed: (link: Link) => void;
  /** To be flushed; `flushed` is called then, and not before. */
  readonly gather: (link: Link, arrivals: readonly Arrival[], flushed: () => void) => void;
  /** So many bytes wait to be flushed, over all connections, that nothing more is read. */
  readonly isFull: () => boolean;
  readonly wake: () => void;
}

const unzip = promisify(gunzip);

/** The sink's end of a connection: asks who is there, hands on what comes, and acknowledges a chunk only after it is on disk. */
export class SinkSession implements Session {
  readonly #link: Link;
  readonly #rules: SinkRules;
  #nonce: Uint8Array = new Uint8Array(0);
  #unzipping = false;
  #pending = 0;
  /** Counts connections, so that what belongs to an earlier one is not answered on this. */
  #connection = 0;
  #strangers = 0;

  constructor(link: Link, rules: SinkRules) {
    this.#link = link;
    this.#rules = rules;
  }

  get busy(): boolean {
    return this.#unzipping || this.#rules.isFull();
  }

  get pending(): number {
    return this.#pending;
  }

  opened(): void {
    this.#connection += 1;
    if (this.#rules.key === undefined) {
      this.#agree(undefined);
      return;
    }
    const { nonce, helo } = challenge();
    this.#nonce = nonce;
    this.#link.send(helo);
  }

  frame(frame: Uint8Array): void {
    const message = readForwardMessage(frame);
    if (!this.#link.established) {
      if (message.kind !== 'ping') throw new Fault('retryable', 'bad_handshake', `PING was expected, not ${message.kind}`);
      this.#verify(message.values);
      return;
    }
    if (message.kind === 'life') this.#link.heardHeartbeat();
    else if (message.kind === 'events' && message.tag === heartbeatTag) {
      this.#link.heardHeartbeat();
      if (message.chunk !== undefined) this.#link.send(ackMessage(message.chunk));
    } else if (message.kind === 'events') this.#take(message.tag, message.entries, message.chunk);
    else if (message.kind === 'packed') this.#unpack(message.tag, message.bytes, message.gzip, message.chunk);
    else throw new Fault('retryable', 'bad_handshake', `a source does not send ${message.kind} here`);
  }

  heartbeat(): void {}

  lost(): void {
    this.#connection += 1;
    this.#pending = 0;
    this.#unzipping = false;
  }

  #verify(values: Parameters<typeof answerPing>[0]): void {
    const { key, site } = this.#rules;
    const { peer, taken, reason, pong } = answerPing(values, this.#nonce, site, key ?? '');
    this.#link.send(pong);
    if (!taken) throw new Fault('retryable', 'refused', `refused ${peer.slice(0, 100)}: ${reason}`);
    this.#agree(peer);
  }

  #agree(peer: string | undefined): void {
    this.#link.agreed(peer);
    this.#rules.onAgreed(this.#link);
  }

  #take(tag: string, entries: readonly Uint8Array[], chunk: string | undefined): void {
    const peer = this.#link.place;
    const arrivals = entries.map((entry, index) => ({ id: uuidOf(entry) ?? this.#idOf(chunk, index), tag, peer, entry }));
    const connection = this.#connection;
    this.#pending += arrivals.length;
    this.#rules.gather(this.#link, arrivals, () => {
      if (connection !== this.#connection) return;
      this.#pending -= arrivals.length;
      this.#link.received += arrivals.length;
      if (chunk !== undefined) this.#link.send(ackMessage(chunk));
    });
  }

  /** What a stranger sends again has the same chunk; without a chunk it wants no acknowledgement and never comes again. */
  #idOf(chunk: string | undefined, index: number): string {
    if (chunk !== undefined) return stableId(['chunk', chunk, String(index)]);
    this.#strangers += 1;
    return stableId(['stranger', this.#link.name, String(this.#link.sinceMs), String(this.#strangers)]);
  }

  #unpack(tag: string, bytes: Uint8Array, gzip: boolean, chunk: string | undefined): void {
    if (!gzip) {
      this.#take(tag, readPackedEntries(bytes), chunk);
      return;
    }
    const connection = this.#connection;
    this.#unzipping = true;
    unzip(bytes, { maxOutputLength: this.#rules.maxBytes }).then(
      (entries) => {
        if (connection === this.#connection) this.#unpacked(tag, entries, chunk);
      },
      (error: Error) => {
        if (connection === this.#connection) this.#link.lose(`a compressed message cannot be read: ${error.message}`);
      },
    );
  }

  #unpacked(tag: string, bytes: Uint8Array, chunk: string | undefined): void {
    this.#unzipping = false;
    try {
      this.#take(tag, readPackedEntries(bytes), chunk);
    } catch (thrown) {
      this.#link.fail(thrown);
    }
    this.#rules.wake();
  }
}
