/**
 * What stands in the store and does not count, because no key of ours signed it. Each such record is counted once and told of once,
 * however often it is read; the same phantom beating again counts again.
 */
export type Rejected = 'member' | 'lease' | 'plan' | 'mail';
export type RejectReason = 'malformed' | 'unknown_key' | 'bad_signature' | 'wrong_cluster' | 'other_incarnation' | 'replayed';

export interface Rejection {
  readonly what: Rejected;
  readonly reason: RejectReason;
  /** The key or field under which it stands, as the stranger chose it. */
  readonly where: string;
  readonly kid: string;
}

const remembered = 1_000;

export class Rejections {
  readonly #report: (rejection: Rejection) => void;
  readonly #counts = new Map<RejectReason, number>();
  readonly #last = new Map<string, string>();
  readonly #told = new Set<string>();

  constructor(report: (rejection: Rejection) => void) {
    this.#report = report;
  }

  get counts(): Readonly<Partial<Record<RejectReason, number>>> {
    return Object.fromEntries(this.#counts);
  }

  /** `text` tells one record from the next under the same name. */
  add(rejection: Rejection, text: string): void {
    const { what, where, reason } = rejection;
    const place = `${what} ${where}`;
    if (this.#last.get(place) === `${reason} ${text}`) return;
    bound(this.#last);
    this.#last.set(place, `${reason} ${text}`);
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    if (this.#told.has(`${place} ${reason}`)) return;
    bound(this.#told);
    this.#told.add(`${place} ${reason}`);
    this.#report(rejection);
  }
}

// Names are a stranger's: whoever writes ever new ones must not fill our memory.
function bound(kept: Map<string, string> | Set<string>): void {
  if (kept.size < remembered) return;
  const [oldest] = kept.keys();
  if (oldest !== undefined) kept.delete(oldest);
}
