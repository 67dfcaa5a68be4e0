import type { AcceptedMails, MailDraft } from '../../model/mail.ts';
import type { Emit } from '../../telemetry/events.ts';

/**
 * A mail belongs to the agent that accepted it. When that one is killed before its pipeline could note that the output is out, another
 * agent publishes it again; here that one learns that nothing is left to do. Only what is on disk is told, and who cannot be asked does
 * not keep a mail from being accepted: at worst it comes twice, and that is counted.
 */
export class AmongAgents {
  /** Null: there are no other agents. */
  readonly #mails: AcceptedMails | null;
  readonly #emit: Emit;

  constructor(mails: AcceptedMails | null, emit: Emit) {
    this.#mails = mails;
    this.#emit = emit;
  }

  /** Those that no agent has accepted, as far as can be known. */
  async fresh(drafts: readonly MailDraft[]): Promise<readonly MailDraft[]> {
    if (this.#mails === null || drafts.length === 0) return drafts;
    try {
      const known = await this.#mails.accepted(drafts.map(({ key }) => key));
      if (known.size > 0) this.#emit('mail:known', { mails: known.size });
      return drafts.filter(({ key }) => !known.has(key));
    } catch (error) {
      this.#emit('mail:unshared', { mails: drafts.length, error });
      return drafts;
    }
  }

  /** They are on the disk of this agent, and nobody else need take them. */
  async tell(drafts: readonly MailDraft[]): Promise<void> {
    if (this.#mails === null || drafts.length === 0) return;
    try {
      await this.#mails.remember(drafts.map(({ key }) => key));
    } catch (error) {
      this.#emit('mail:unshared', { mails: drafts.length, error });
    }
  }
}
