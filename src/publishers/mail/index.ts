import { parseTemplate, type Template } from '../../core/mail/macros.ts';
import { type RouteRule, Router } from '../../core/mail/routes.ts';
import { Fault } from '../../model/faults.ts';
import type { MailAcceptor } from '../../model/mail.ts';
import { type Batch, PartialFault, type Publisher, type PublisherContext, type PublisherKind } from '../publisher.ts';
import { type MailParameters, type RouteParameters, summary } from './schema.ts';

/**
 * Items become mails by the `notify` routes and are accepted by the agent's queue: taken means flushed there. A batch that comes again
 * makes no mail twice, since a mail's key is a function of the item's id, the route and the recipient.
 */
export const mail: PublisherKind<MailParameters> = {
  name: 'mail',
  summary,
  open: async (parameters, context) => {
    if (context.mail === undefined)
      throw new Fault(
        'fatal',
        'no_mail_servers',
        `sink ${context.sink}: the publisher mail needs \`mail:\` with servers in the agent's file`,
      );
    return new MailPublisher(parameters, context, context.mail);
  },
};

class MailPublisher implements Publisher {
  readonly #router: Router;
  readonly #context: PublisherContext;
  readonly #acceptor: MailAcceptor;
  readonly #waitsForAttempt: boolean;

  constructor(parameters: MailParameters, context: PublisherContext, acceptor: MailAcceptor) {
    this.#router = new Router(parameters.notify.map(toRule), context.sink, context.name);
    this.#context = context;
    this.#acceptor = acceptor;
    this.#waitsForAttempt = parameters.commit_after === 'attempt';
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const now = this.#context.clock.now();
    const failed = new Map<number, string>();
    const drafts = batch.items.flatMap((item, index) => {
      const routed = this.#router.draftsFor(item, now);
      if (routed.fault !== null) failed.set(index, routed.fault);
      return routed.drafts;
    });
    if (drafts.length > 0) await this.#acceptor.accept(drafts, { signal, afterAttempt: this.#waitsForAttempt });
    if (failed.size > 0) throw new PartialFault(failed);
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#acceptor.probe(signal);
  }

  /** The queue is the agent's. */
  async close(): Promise<void> {}
}

const dayNumbers = { mon: 1, tue: 2, wed: 3, thu: 4, fri: 5, sat: 6, sun: 7 } as const;

function toRule(route: RouteParameters, index: number): RouteRule {
  const quiet = route.quiet_hours;
  return {
    name: route.name ?? String(index + 1),
    match: route.match,
    where: Object.fromEntries(
      Object.entries(route.where).map(([name, globs]) => [name, typeof globs === 'string' ? [globs] : globs]),
    ),
    to: (typeof route.to === 'string' ? [route.to] : route.to).map(parsed),
    subject: parsed(route.subject),
    body: parsed(route.body),
    html: route.html === undefined ? null : parsed(route.html),
    attachItem: route.attach === 'item',
    incident: parsed(route.incident),
    phase: parsed(route.phase),
    lifetimeMs: route.lifetime,
    briefLifetimeMs: route.brief_lifetime,
    digestMs: route.digest ?? null,
    rate: route.rate === 'off' ? null : { mails: route.rate.mails, perMs: route.rate.per },
    quiet:
      quiet === undefined
        ? null
        : {
            from: minutesOf(quiet.from),
            to: minutesOf(quiet.to),
            days: quiet.days.map((day) => dayNumbers[day]),
            timeZone: quiet.time_zone,
          },
    loud: quiet?.except ?? [],
    last: route.last,
  };
}

/** The schema has refused what is none. */
function parsed(source: string): Template {
  const template = parseTemplate(source);
  if ('fault' in template) throw new Fault('fatal', 'bad_template', template.fault);
  return template;
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}
