import { readFile } from 'node:fs/promises';
import type { Credentials } from '../../core/mail/auth.ts';
import type { Clock } from '../../lib/clock.ts';
import { isLoopback } from '../../lib/loopback.ts';
import { Fault } from '../../model/faults.ts';
import type { MailServer } from '../../model/mail.ts';
import { tlsOptions } from '../../model/tls-files.ts';
import { type SessionEnd, type SessionOptions, SmtpSession, type Timeouts } from './smtp-session.ts';

export interface SessionSetup {
  readonly clock: Clock;
  /** Our name in EHLO. */
  readonly hello: string;
  readonly timeouts: Timeouts;
}

/**
 * A session that is ready to take mails, or why there is none. Secrets and certificates are read each time, so that a changed one
 * counts without a restart; one that cannot be read is the server's alarm, not the end of the agent.
 */
export async function openSession(
  server: MailServer,
  setup: SessionSetup,
  extensions: boolean,
  signal: AbortSignal,
): Promise<SmtpSession | SessionEnd> {
  let options: SessionOptions;
  try {
    options = await toOptions(server, setup, extensions);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return { stage: 'connect', verdict: 'configuration', said, withoutTls: false };
  }
  const opened = await SmtpSession.open(options, signal);
  if (opened instanceof SmtpSession || !opened.withoutTls) return opened;
  return await SmtpSession.open({ ...options, tls: 'off' }, signal);
}

async function toOptions(server: MailServer, setup: SessionSetup, extensions: boolean): Promise<SessionOptions> {
  const { host, port, tls } = server;
  return {
    host,
    port,
    tls,
    tlsOptions: await tlsOptions(server.tlsFiles, readText),
    name: setup.hello,
    credentials: await credentialsOf(server),
    extensions,
    timeouts: setup.timeouts,
    clock: setup.clock,
  };
}

async function credentialsOf({ user, passwordFile, tokenFile, host, tls }: MailServer): Promise<Credentials | null> {
  if (user === null) return null;
  if (tls !== 'required' && tls !== 'implicit' && !isLoopback(host))
    throw new Fault('fatal', 'mail_plain_secret', 'a password goes only over `tls: required` or `implicit`, or to this machine');
  if (tokenFile !== null) return { kind: 'token', user, token: await readSecret(tokenFile) };
  if (passwordFile !== null) return { kind: 'password', user, password: await readSecret(passwordFile) };
  return null;
}

async function readSecret(path: string): Promise<string> {
  return (await readText(path)).replace(/\r?\n$/, '');
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8');
}
