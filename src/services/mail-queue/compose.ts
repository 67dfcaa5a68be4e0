import { createTransport } from 'nodemailer';
import { isBeyondAscii } from '../../core/mail/address.ts';
import { wireFault } from '../../core/mail/dot-stuffing.ts';
import { Fault } from '../../model/faults.ts';
import type { MailAttachment } from '../../model/mail.ts';

export interface Dkim {
  readonly domain: string;
  readonly selector: string;
  /** PEM. */
  readonly privateKey: string;
}

export interface Letterhead {
  /** `Name <a@b>` or an address. */
  readonly from: string;
  readonly dkim: Dkim | null;
}

/** Everything a mail says; its bytes are a function of this but for the boundary between its parts. */
export interface Contents {
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string | null;
  readonly attachments: readonly MailAttachment[];
  readonly messageId: string;
  /** Message-IDs that it belongs to, oldest first. */
  readonly thread: readonly string[];
  readonly at: number;
}

export interface Composed {
  readonly bytes: Uint8Array;
  readonly messageId: string;
  readonly thread: readonly string[];
  readonly eightBit: boolean;
  readonly utf8: boolean;
}

export type Compose = (contents: Contents) => Promise<Composed>;

/**
 * A mail as RFC 5322 bytes, made once: every attempt at every server sends these, so that a receiver knows a repetition and a signature
 * stays valid. The only place that knows nodemailer, of which nothing but its composer (and DKIM) is used. Throws poison `bad_mail`
 * for what no server could be given.
 */
export function composer({ from, dkim }: Letterhead): Compose {
  const transport = createTransport({
    streamTransport: true,
    buffer: true,
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(dkim === null ? {} : { dkim: { domainName: dkim.domain, keySelector: dkim.selector, privateKey: dkim.privateKey } }),
  });
  return async ({ to, subject, text, html, attachments, messageId, thread, at }) => {
    const sent = await transport.sendMail({
      from,
      to: [...to],
      subject,
      text,
      ...(html === null ? {} : { html }),
      attachments: attachments.map(({ name, type, content }) => ({ filename: name, contentType: type, content })),
      messageId,
      date: new Date(at),
      ...(thread.length === 0 ? {} : { inReplyTo: thread[thread.length - 1] as string, references: [...thread] }),
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All', Precedence: 'bulk' },
    });
    const bytes = sent.message as Buffer;
    const fault = wireFault(bytes);
    if (fault !== null) throw new Fault('poison', 'bad_mail', `the mail cannot be sent as it is: ${fault}`);
    const eightBit = bytes.some((byte) => byte > 127);
    return { bytes, messageId, thread, eightBit, utf8: [from, ...to].some(isBeyondAscii) };
  };
}
