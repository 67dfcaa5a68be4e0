import { str } from '../../lib/redis-reply.ts';
import type { AcceptedMails } from '../../model/mail.ts';
import type { GroupParts } from './redis-group.ts';
import { readMails, rememberMails } from './scripts/mails.ts';
import { judgeMail, signMail } from './seals.ts';

/** Keys of mails take about 200 bytes each there: 20 MB, however many mails a storm of events makes. */
const rememberedMails = 100_000;
/** What one script is asked; Lua takes some thousands of arguments. */
const atOnce = 500;

/**
 * Which mails some agent of the cluster has accepted, the last 100,000. They are needed from the acceptance until the output is cleared,
 * seconds later, or when the next agent comes; by count instead of by time they never fill the Redis that holds the state. Each is
 * signed, since whoever could write one here could keep a mail from being sent; one that nobody of us signed does not count.
 */
export class RedisAcceptedMails implements AcceptedMails {
  readonly #parts: Pick<GroupParts, 'keys' | 'ring' | 'standing' | 'rejections'>;
  readonly #bound: number;

  constructor(parts: Pick<GroupParts, 'keys' | 'ring' | 'standing' | 'rejections'>, bound = rememberedMails) {
    this.#parts = parts;
    this.#bound = bound;
  }

  async accepted(mails: readonly string[]): Promise<ReadonlySet<string>> {
    const { standing, keys, ring, rejections } = this.#parts;
    const known = new Set<string>();
    for (const some of pieces(mails)) {
      const { values, mark } = await standing.run(readMails, [keys.mails], () => some);
      for (const [index, mail] of some.entries()) {
        const seal = str(values[index]);
        if (seal === '') continue;
        const [kid = '', mac = ''] = seal.split(' ');
        const reason = judgeMail(ring, mark.clusterId, mail, { kid, mac });
        if (reason === null) known.add(mail);
        else rejections.add({ what: 'mail', reason, where: mail, kid }, seal);
      }
    }
    return known;
  }

  async remember(mails: readonly string[]): Promise<void> {
    const { standing, keys, ring } = this.#parts;
    for (const some of pieces(mails))
      await standing.run(rememberMails, [keys.mails, keys.mailOrder], ({ clusterId }) => [
        this.#bound,
        ...some.flatMap((mail) => {
          const { kid, mac } = signMail(ring, clusterId, mail);
          return [mail, `${kid} ${mac}`];
        }),
      ]);
  }
}

function pieces(mails: readonly string[]): (readonly string[])[] {
  return Array.from({ length: Math.ceil(mails.length / atOnce) }, (_, i) => mails.slice(i * atOnce, (i + 1) * atOnce));
}
