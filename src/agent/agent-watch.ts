import type { AgentView, LetterQuery, LiveNews, Told } from '../admin/agent-view.ts';
import type { LetterNow, LetterStats, MailNow, Overview, SpoolNow, WholeLetter } from '../admin/overview.ts';
import type { Clock } from '../lib/clock.ts';
import type { DeadLetters, StoredLetter } from '../pipeline/dead-letters.ts';
import type { ClusterView } from './cluster-view.ts';
import { History, historyEveryMs } from './history.ts';
import { overviewOf } from './overview.ts';
import { Rates } from './rates.ts';
import type { ToldLately } from './told-lately.ts';

export interface WatchParts {
  readonly clock: Clock;
  readonly cluster: string;
  readonly servedBy: () => Overview['servedBy'];
  /** Null when a store does not answer in time. */
  readonly look: () => Promise<ClusterView | null>;
  readonly mail: () => MailNow | null;
  readonly spool: () => SpoolNow | null;
  readonly deadLetters: Pick<DeadLetters, 'list' | 'get' | 'stats'>;
  /** Machine and folder. */
  readonly lettersKeptIn: string;
  readonly told: ToldLately;
}

/** While somebody watches. */
const watchedEveryMs = 1_000;
/** A look that takes long is repeated less often: at most this share of the time goes to looking. */
const watchedShare = 5;
const unwatchedShare = 20;

/**
 * The agent as the admin server sees it. Looks at the stores every few seconds for the history, and every second while somebody
 * watches.
 */
export class AgentWatch implements AgentView {
  readonly #parts: WatchParts;
  readonly #history = new History();
  readonly #rates = new Rates();
  readonly #listeners = new Set<(news: LiveNews) => void>();
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #staleSince: number | null = null;
  #ended: Promise<void> | null = null;
  #unhear: (() => void) | null = null;

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  run(): void {
    this.#ended ??= this.#keepLooking();
    this.#unhear ??= this.#parts.told.listen((told) => this.#tell({ kind: 'told', told }));
  }

  async close(): Promise<void> {
    this.#unhear?.();
    this.#stop.abort(new Error('closing'));
    this.#wake.abort(new Error('closing'));
    await this.#ended;
  }

  async overview(): Promise<Overview | null> {
    const view = await this.#parts.look();
    if (view === null) return null;
    this.#rates.look(view.members);
    const { clock, cluster } = this.#parts;
    return overviewOf({
      view,
      rates: this.#rates,
      at: clock.now(),
      cluster,
      servedBy: this.#parts.servedBy(),
      mail: this.#parts.mail(),
      spool: this.#parts.spool(),
    });
  }

  history() {
    return { everyMs: historyEveryMs, points: this.#history.points };
  }

  told(): readonly Told[] {
    return this.#parts.told.all;
  }

  listen(heard: (news: LiveNews) => void): () => void {
    this.#listeners.add(heard);
    this.#wake.abort(new Error('somebody watches'));
    return () => {
      this.#listeners.delete(heard);
    };
  }

  get lettersKeptIn(): string {
    return this.#parts.lettersKeptIn;
  }

  letters(query: LetterQuery): readonly LetterNow[] {
    return this.#parts.deadLetters.list(query).map(withoutBody);
  }

  letter(id: string): WholeLetter | null {
    const letter = this.#parts.deadLetters.get(id);
    return letter === undefined ? null : { ...withoutBody(letter), body: letter.body };
  }

  letterStats(): LetterStats {
    const stats = this.#parts.deadLetters.stats();
    return { ...stats, byReason: { ...stats.byReason } };
  }

  async #keepLooking(): Promise<void> {
    const { clock } = this.#parts;
    let pointAt = Number.NEGATIVE_INFINITY;
    while (!this.#stop.signal.aborted) {
      const begun = clock.monotonic();
      const overview = await this.overview();
      if (this.#stop.signal.aborted) return;
      if (overview === null) this.#tell({ kind: 'stale', at: this.#since() });
      else {
        this.#staleSince = null;
        this.#tell({ kind: 'overview', overview });
        if (begun - pointAt >= historyEveryMs) {
          pointAt = begun;
          this.#tell({ kind: 'point', point: this.#history.add(overview) });
        }
      }
      await this.#pause(clock.monotonic() - begun);
    }
  }

  /** Ends early when somebody begins to watch. */
  async #pause(tookMs: number): Promise<void> {
    const watched = this.#listeners.size > 0;
    const ms = watched ? Math.max(watchedEveryMs, tookMs * watchedShare) : Math.max(historyEveryMs, tookMs * unwatchedShare);
    this.#wake = new AbortController();
    await this.#parts.clock.sleep(ms, this.#wake.signal).catch(() => undefined); // woken, or closing
  }

  #since(): number {
    this.#staleSince ??= this.#parts.clock.now();
    return this.#staleSince;
  }

  #tell(news: LiveNews): void {
    for (const heard of this.#listeners) heard(news);
  }
}

function withoutBody({ body: _, ...letter }: StoredLetter): LetterNow {
  return letter;
}
