import type { MailDraft } from '../../model/mail.ts';

/** UTC to the second, as people read it. */
export function printTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `2 d 3 h`, `4 min 5 s`: the two largest units. */
export function printDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ];
  const parts: string[] = [];
  let left = seconds;
  for (const [unit, size] of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0 && parts.length < 2) parts.push(`${count} ${unit}`);
  }
  return parts.join(' ') || '0 s';
}

interface Earlier {
  readonly subject: string;
  readonly summary: string;
  readonly at: number;
}

/** One mail for a down that never left and its up. */
export function combinedText(up: Pick<MailDraft, 'text' | 'at'>, unsent: readonly Earlier[]): string {
  const from = unsent[0]?.at ?? up.at;
  const lines = [
    `Was down from ${printTime(from)} to ${printTime(up.at)} (${printDuration(up.at - from)}). It could not be told earlier.`,
    '',
    up.text.trimEnd(),
  ];
  for (const mail of unsent) lines.push('', `-- ${printTime(mail.at)}: ${mail.subject}`, '', mail.summary.trimEnd());
  return `${lines.join('\n')}\n`;
}

export interface DigestLine {
  readonly at: number;
  readonly subject: string;
  readonly text: string;
}

const shownText = 400;

/** Many mails in one: each with its time, in the order they came, and the beginning of its text. */
export function digestText(lines: readonly DigestLine[], why: string): string {
  const all = lines.map(({ at, subject, text }) => {
    const body = text.trimEnd().slice(0, shownText);
    const indented =
      body === ''
        ? ''
        : `\n${body
            .split('\n')
            .map((line) => `    ${line}`)
            .join('\n')}`;
    return `${printTime(at)}  ${subject}${indented}`;
  });
  return `${lines.length} messages, sent together because ${why}.\n\n${all.join('\n')}\n`;
}

export function digestSubject(lines: readonly DigestLine[]): string {
  const [first] = lines;
  return lines.length === 1 && first !== undefined ? first.subject : `${lines.length} messages: ${first?.subject ?? ''}, …`;
}
