import { readEntry } from '../../core/spool/entry.ts';
import { readRelpFrame, relpFrame, relpOffers } from '../../core/spool/relp.ts';
import { toSyslog } from '../../core/spool/syslog.ts';
import type { Clock } from '../../lib/clock.ts';
import { Fault } from '../../model/faults.ts';
import type { Link } from './link.ts';
import type { SendingSession } from './source-desk.ts';
import type { LaneRow, SpoolLane } from './spool-lane.ts';

export interface RelpSourceRules {
  readonly maxUnacknowledged: number;
  readonly clock: Clock;
  readonly onAgreed: (link: Link) => void;
  readonly onArrived: (lane: SpoolLane, rows: readonly LaneRow[]) => void;
  readonly onLost: (lane: SpoolLane, rows: readonly LaneRow[]) => void;
}

interface Sent {
  readonly lane: SpoolLane;
  readonly row: LaneRow;
  readonly sentAt: number;
}

const lastTransaction = 999_999_999;

/** The source's end of a RELP connection: a transaction a notification, arrived once it is answered with 200. */
export class RelpSourceSession implements SendingSession {
  readonly #link: Link;
  readonly #rules: RelpSourceRules;
  readonly #sent = new Map<number, Sent>();
  #transaction = 0;
  readonly busy = false;

  constructor(link: Link, rules: RelpSourceRules) {
    this.#link = link;
    this.#rules = rules;
  }

  get pending(): number {
    return this.#sent.size;
  }

  get room(): number {
    return this.#link.established && this.#link.mayWrite ? this.#rules.maxUnacknowledged - this.#sent.size : 0;
  }

  get oldestSentAt(): number | undefined {
    for (const sent of this.#sent.values()) return sent.sentAt;
    return undefined;
  }

  opened(): void {
    this.#transaction = 1;
    this.#link.send(relpFrame(1, 'open', relpOffers));
  }

  sendFrom(lane: SpoolLane, most: number): number {
    const rows = lane.take(Math.min(most, this.room), 64 * 1024);
    for (const row of rows) {
      const { atMs, record } = readEntry(row.entry);
      const { uuid, site, context } = record;
      this.#transaction = this.#transaction >= lastTransaction ? 1 : this.#transaction + 1;
      this.#sent.set(this.#transaction, { lane, row, sentAt: this.#rules.clock.monotonic() });
      this.#link.send(relpFrame(this.#transaction, 'syslog', toSyslog(String(uuid), String(site), atMs, context ?? record)));
    }
    this.#link.sent += rows.length;
    if (rows.length > 0) this.#link.asked();
    return rows.length;
  }

  frame(frame: Uint8Array): void {
    const { transaction, command, data } = readRelpFrame(frame);
    if (command === 'serverclose') throw new Fault('retryable', 'refused', 'the sink closes the connection');
    if (command !== 'rsp') throw new Fault('retryable', 'bad_handshake', `a sink does not send ${command} here`);
    const answer = new TextDecoder().decode(data.subarray(0, 200));
    if (!answer.startsWith('200')) throw new Fault('retryable', 'refused', `the sink refuses: ${answer}`);
    if (transaction === 1 && !this.#link.established) {
      this.#link.agreed();
      this.#rules.onAgreed(this.#link);
      return;
    }
    const sent = this.#sent.get(transaction);
    if (sent === undefined) return; // of nothing that we wait for
    this.#sent.delete(transaction);
    this.#rules.onArrived(sent.lane, [sent.row]);
    if (this.#sent.size === 0) this.#link.answered();
  }

  /** RELP knows no sign of life. */
  heartbeat(): void {}

  lost(): void {
    const sent = [...this.#sent.values()];
    this.#sent.clear();
    for (const { lane, row } of sent) this.#rules.onLost(lane, [row]);
  }
}
