import type { TlsFiles } from './tls-files.ts';

/**
 * A mail that somebody wants sent, before it is one: what a publisher hands to the queue. The same `key` is the same mail, accepted
 * once per recipient, however often it comes.
 */
export interface MailDraft {
  readonly key: string;
  readonly sink: string;
  /** Which rule made it: digests gather per recipient and route. */
  readonly route: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string | null;
  readonly attachments: readonly MailAttachment[];
  /** Epoch ms of what it tells about. */
  readonly at: number;
  readonly incident: MailIncident | null;
  /** Undelivered for so long it is given up, with a dead letter. */
  readonly lifetimeMs: number;
  /** Beyond so many in so long, mails to one recipient are gathered into one. */
  readonly rate: MailRate | null;
  /** Not alone but gathered until then (epoch ms): a digest, or quiet hours. */
  readonly collect: { readonly why: 'digest' | 'quiet'; readonly until: number } | null;
  /** It tells that a mail failed: if it fails itself, that is told to nobody by mail. */
  readonly isReport: boolean;
}

export interface MailAttachment {
  readonly name: string;
  readonly type: string;
  readonly content: string;
}

/** Down and up of one thing: its mails come in order, thread together, and an up that finds its down unsent replaces it. */
export interface MailIncident {
  readonly id: string;
  readonly phase: 'down' | 'up' | 'reminder' | 'other';
}

export interface MailRate {
  readonly mails: number;
  readonly perMs: number;
}

export interface AcceptHow {
  readonly signal: AbortSignal;
  /** Resolve only once each was tried once, or 10 s have passed. */
  readonly afterAttempt: boolean;
}

/**
 * What takes mails for good. `accept` resolves once all are on disk, and throws a retryable Fault `mail_queue_full` at the bound,
 * when some or none are: the same drafts may come again.
 */
export interface MailAcceptor {
  accept(drafts: readonly MailDraft[], how: AcceptHow): Promise<void>;
  /** Would a server take something? Throws a Fault that says what is wrong. Sends nothing. */
  probe(signal: AbortSignal): Promise<void>;
}

/**
 * Mails by their keys that some agent of the cluster has accepted, kept where all of them see it. It is only to avoid doubles: it may
 * forget, and be away (then both throw), and never says of a mail that it is accepted when it is not.
 */
export interface AcceptedMails {
  /** Which of these. */
  accepted(keys: readonly string[]): Promise<ReadonlySet<string>>;
  /** To be told once they are on this agent's disk, and not before. */
  remember(keys: readonly string[]): Promise<void>;
}

/** A server that takes mails, as configured. Every path is absolute; secrets stay in their files. */
export interface MailServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls: 'off' | 'opportunistic' | 'required' | 'implicit';
  readonly tlsFiles: TlsFiles | undefined;
  readonly user: string | null;
  readonly passwordFile: string | null;
  readonly tokenFile: string | null;
  readonly sessions: number;
}
