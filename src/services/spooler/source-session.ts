import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { eventsMessage, gzippedMessage, heartbeatTag, readForwardMessage } from '../../core/spool/forward-message.ts';
import type { Clock } from '../../lib/clock.ts';
import { Fault } from '../../model/faults.ts';
import { answerHelo, verifyPong } from './handshake.ts';
import type { Link } from './link.ts';
import type { SendingSession } from './source-desk.ts';
import type { LaneRow, SpoolLane } from './spool-lane.ts';

export interface SourceRules {
  readonly site: string;
  /** Without a key nothing is asked: whoever is there gets the notifications. */
  readonly key: string | undefined;
  readonly gzip: boolean;
  /** Chunks. */
  readonly maxUnacknowledged: number;
  readonly clock: Clock;
  /** The other side is who it should be. */
  readonly onAgreed: (link: Link) => void;
  readonly onArrived: (lane: SpoolLane, rows: readonly LaneRow[]) => void;
  readonly onLost: (lane: SpoolLane, rows: readonly LaneRow[]) => void;
}

interface Chunk {
  readonly lane: SpoolLane;
  readonly rows: readonly LaneRow[];
  readonly sentAt: number;
  readonly bytes: number;
}

const tag = 'ceilograph';
// What is live waits behind what was sent before it: more on its way brings nothing on a fast line and seconds on a slow one.
const mostRows = 512;
const mostBytes = 16 * 1024 * 1024;
const chunkRows = 64;
const chunkBytes = 64 * 1024;
const compress = promisify(gzip);

/** The source's end of a connection: sends chunks, and takes a notification for arrived only by the acknowledgement of its chunk. */
export class SourceSession implements SendingSession {
  readonly #link: Link;
  readonly #rules: SourceRules;
  #asked: { readonly salt: Uint8Array; readonly nonce: Uint8Array } | undefined;
  /** In the order they were sent. */
  readonly #chunks = new Map<string, Chunk>();
  readonly #heartbeats = new Set<string>();
  #pending = 0;
  #unacknowledgedBytes = 0;
  /** Not every Forward server answers a message without events; one that did once is expected to. */
  #answersHeartbeats = false;
  unknownAcks = 0;
  #sending: Promise<void> = Promise.resolve();
  readonly busy = false;

  constructor(link: Link, rules: SourceRules) {
    this.#link = link;
    this.#rules = rules;
  }

  get pending(): number {
    return this.#pending;
  }

  get room(): number {
    if (!this.#link.established || !this.#link.mayWrite || this.#chunks.size >= this.#rules.maxUnacknowledged) return 0;
    return this.#unacknowledgedBytes >= mostBytes ? 0 : mostRows - this.#pending;
  }

  get oldestSentAt(): number | undefined {
    for (const chunk of this.#chunks.values()) return chunk.sentAt;
    return undefined;
  }

  opened(): void {
    this.#asked = undefined;
    this.#answersHeartbeats = false;
    if (this.#rules.key === undefined) this.#agree(undefined);
  }

  /** In one chunk. */
  sendFrom(lane: SpoolLane, most: number): number {
    const rows = lane.take(Math.min(most, this.room, chunkRows), chunkBytes);
    if (rows.length === 0) return 0;
    const id = randomBytes(16).toString('base64');
    const bytes = rows.reduce((sum, row) => sum + row.entry.length, 0);
    this.#chunks.set(id, { lane, rows, bytes, sentAt: this.#rules.clock.monotonic() });
    this.#unacknowledgedBytes += bytes;
    this.#pending += rows.length;
    this.#link.sent += rows.length;
    this.#link.asked();
    const entries = rows.map((row) => row.entry);
    if (this.#rules.gzip) this.#sendCompressed(entries, id);
    else this.#link.send(eventsMessage(tag, entries, id));
    return rows.length;
  }

  frame(frame: Uint8Array): void {
    const message = readForwardMessage(frame);
    const { key, site } = this.#rules;
    if (message.kind === 'ack') this.#acknowledged(message.chunk);
    else if (message.kind === 'helo' && key !== undefined) {
      const { ping, ...asked } = answerHelo(message.values, site, key);
      this.#asked = asked;
      this.#link.send(ping);
    } else if (message.kind === 'pong' && key !== undefined && this.#asked !== undefined)
      this.#agree(verifyPong(message.values, this.#asked, site, key));
    else if (message.kind === 'helo')
      throw new Fault('retryable', 'bad_handshake', 'the sink wants a shared key and we have none');
    else throw new Fault('retryable', 'bad_handshake', `a sink does not send ${message.kind} here`);
  }

  heartbeat(): void {
    const id = `hb-${randomBytes(8).toString('hex')}`;
    if (this.#heartbeats.size < 1000) this.#heartbeats.add(id);
    if (this.#answersHeartbeats) this.#link.asked();
    this.#link.send(eventsMessage(heartbeatTag, [], id));
  }

  lost(): void {
    const chunks = [...this.#chunks.values()];
    this.#chunks.clear();
    this.#heartbeats.clear();
    this.#pending = 0;
    this.#unacknowledgedBytes = 0;
    for (const { lane, rows } of chunks) this.#rules.onLost(lane, rows);
  }

  #agree(peer: string | undefined): void {
    this.#link.agreed(peer);
    this.#rules.onAgreed(this.#link);
  }

  #acknowledged(id: string): void {
    if (this.#heartbeats.delete(id)) this.#answersHeartbeats = true;
    const chunk = this.#chunks.get(id);
    if (chunk !== undefined) {
      this.#chunks.delete(id);
      this.#pending -= chunk.rows.length;
      this.#unacknowledgedBytes -= chunk.bytes;
      this.#rules.onArrived(chunk.lane, chunk.rows);
    } else if (!id.startsWith('hb-')) this.unknownAcks += 1;
    if (this.#chunks.size === 0 && this.#heartbeats.size === 0) this.#link.answered();
  }

  // Compressed side by side, sent in order. A chunk whose connection is lost meanwhile is sent again by the next one.
  #sendCompressed(entries: readonly Uint8Array[], id: string): void {
    const compressed = compress(Buffer.concat(entries));
    this.#sending = Promise.all([this.#sending, compressed]).then(
      ([, bytes]) => {
        if (this.#chunks.has(id)) this.#link.send(gzippedMessage(tag, bytes, entries.length, id));
      },
      (error: unknown) => this.#link.lose(error instanceof Error ? error.message : String(error)),
    );
  }
}
