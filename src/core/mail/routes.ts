import { type Item, isEvent, itemId, itemTime } from '../../model/item.ts';
import type { MailAttachment, MailDraft, MailIncident, MailRate } from '../../model/mail.ts';
import { stableId } from '../../model/stable-hash.ts';
import { toItemLine } from '../convert/wire.ts';
import { compileGlob } from '../python/glob.ts';
import { compileSourceFilter, type SourceFilter } from '../route/source-filter.ts';
import { isAddress } from './address.ts';
import { asIs, inHtml, macroValue, onOneLine, render, type Template } from './macros.ts';
import { type QuietHours, quietUntil } from './quiet-hours.ts';

/** One rule of who is told what, complete: every default filled in, every template parsed. */
export interface RouteRule {
  readonly name: string;
  readonly match: readonly string[];
  /** Macro name → globs, one of which must fit. */
  readonly where: Readonly<Record<string, readonly string[]>>;
  readonly to: readonly Template[];
  readonly subject: Template;
  readonly body: Template;
  readonly html: Template | null;
  readonly attachItem: boolean;
  readonly incident: Template;
  readonly phase: Template;
  readonly lifetimeMs: number;
  /** Of what is stale soon: reminders, and ups. */
  readonly briefLifetimeMs: number;
  readonly digestMs: number | null;
  readonly rate: MailRate | null;
  readonly quiet: QuietHours | null;
  /** Globs of names that are told even in quiet hours. */
  readonly loud: readonly string[];
  /** Later rules are not asked. */
  readonly last: boolean;
}

interface Route {
  readonly rule: RouteRule;
  readonly matches: SourceFilter;
  readonly where: readonly (readonly [name: string, globs: readonly ((text: string) => boolean)[]])[];
  readonly isLoud: (name: string) => boolean;
}

export interface Routed {
  readonly drafts: readonly MailDraft[];
  /** Why some of it can be sent to nobody. */
  readonly fault: string | null;
}

/** The event that tells of a mail that was given up (`docs/mail.md`). */
export const failedMailEvent = 'mail.failed';
const longestSubject = 500;

/** What the rules of a publisher make of an item. A pure function of the item and the time. */
export class Router {
  readonly #routes: readonly Route[];
  readonly #sink: string;
  readonly #publisher: string;

  /** Throws a fatal Fault for globs that do not go together. */
  constructor(rules: readonly RouteRule[], sink: string, publisher: string) {
    this.#sink = sink;
    this.#publisher = publisher;
    this.#routes = rules.map((rule) => ({
      rule,
      matches: compileSourceFilter(rule.match),
      where: Object.entries(rule.where).map(([name, globs]) => [name, globs.map(compileGlob)] as const),
      isLoud: anyOf(rule.loud.map(compileGlob)),
    }));
  }

  draftsFor(item: Item, now: number): Routed {
    const drafts: MailDraft[] = [];
    let fault: string | null = null;
    for (const route of this.#routes) {
      if (!this.#fits(route, item)) continue;
      const { to, refused } = this.#recipients(route.rule, item);
      if (refused !== null) fault = `"${onOneLine(refused)}" is no mail address (route ${route.rule.name})`;
      if (to.length > 0) drafts.push(this.#draft(route, item, to, now));
      if (route.rule.last) break;
    }
    return { drafts, fault };
  }

  #fits({ matches, where }: Route, item: Item): boolean {
    if (!matches(nameOf(item))) return false;
    return where.every(([name, globs]) => {
      const value = macroValue(name, item, this.#sink) ?? '';
      return globs.some((glob) => glob(value));
    });
  }

  /** Whoever could not be reached is not told of it by mail. */
  #recipients(rule: RouteRule, item: Item): { readonly to: string[]; readonly refused: string | null } {
    const unreachable = nameOf(item) === failedMailEvent ? macroValue('recipient', item, this.#sink) : undefined;
    const all = [...new Set(rule.to.map((template) => render(template, item, this.#sink, asIs).trim()))].filter(
      (to) => to !== '',
    );
    return {
      to: all.filter((to) => isAddress(to) && to.toLowerCase() !== unreachable?.toLowerCase()),
      refused: all.find((to) => !isAddress(to)) ?? null,
    };
  }

  #draft({ rule, isLoud }: Route, item: Item, to: readonly string[], now: number): MailDraft {
    const incident = this.#incident(rule, item);
    const quiet = rule.quiet === null || isLoud(nameOf(item)) ? null : quietUntil(rule.quiet, now);
    const isBrief = incident?.phase === 'up' || incident?.phase === 'reminder';
    return {
      key: stableId(['mail', this.#sink, this.#publisher, rule.name, itemId(item)]),
      sink: this.#sink,
      route: `${this.#sink}/${this.#publisher}/${rule.name}`,
      to,
      subject: onOneLine(render(rule.subject, item, this.#sink, onOneLine)).slice(0, longestSubject),
      text: render(rule.body, item, this.#sink, asIs),
      html: rule.html === null ? null : render(rule.html, item, this.#sink, inHtml),
      attachments: rule.attachItem ? [attachmentOf(item)] : [],
      at: timeOf(item, now),
      incident,
      lifetimeMs: isBrief ? Math.min(rule.briefLifetimeMs, rule.lifetimeMs) : rule.lifetimeMs,
      rate: rule.rate,
      collect:
        quiet !== null
          ? { why: 'quiet', until: quiet }
          : rule.digestMs !== null
            ? { why: 'digest', until: now + rule.digestMs }
            : null,
      isReport: nameOf(item) === failedMailEvent,
    };
  }

  #incident(rule: RouteRule, item: Item): MailIncident | null {
    const id = render(rule.incident, item, this.#sink, asIs);
    if (id === '') return null;
    const said = render(rule.phase, item, this.#sink, asIs).toLowerCase();
    const [, suffix = ''] = /\.(down|up|reminder)$/.exec(nameOf(item)) ?? [];
    const phase = said === 'down' || said === 'up' || said === 'reminder' ? said : (suffix as MailIncident['phase'] | '');
    return { id, phase: phase === '' ? 'other' : phase };
  }
}

function nameOf(item: Item): string {
  return isEvent(item) ? item.event_type : item.name;
}

function anyOf(globs: readonly ((text: string) => boolean)[]): (text: string) => boolean {
  return (text) => globs.some((glob) => glob(text));
}

/** What has no readable time happened now. */
function timeOf(item: Item, now: number): number {
  const text = itemTime(item);
  const at = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isFinite(at) ? at : now;
}

function attachmentOf(item: Item): MailAttachment {
  return { name: isEvent(item) ? 'event.json' : 'sample.json', type: 'application/json', content: `${toItemLine(item)}\n` };
}
