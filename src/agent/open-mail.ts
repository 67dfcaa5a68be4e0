import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { AgentConfig, MailConfig } from '../config/agent-config.ts';
import type { Clock } from '../lib/clock.ts';
import { Fault } from '../model/faults.ts';
import type { AcceptedMails, MailAcceptor } from '../model/mail.ts';
import type { DeadLetters } from '../pipeline/dead-letters.ts';
import type { Dkim } from '../services/mail-queue/compose.ts';
import { MailQueue, type MailQueueConfig, probeServers } from '../services/mail-queue/mail-queue.ts';
import type { Emit } from '../telemetry/events.ts';

export interface MailParts {
  readonly config: AgentConfig;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  readonly deadLetters: Pick<DeadLetters, 'record'>;
  readonly acceptedMails: AcceptedMails | null;
}

/** The mails of a window are written down together. */
const window = 50;

/** The queue of this data directory, not running yet. Null where no mail is configured. */
export async function openMail(parts: MailParts): Promise<MailQueue | null> {
  const { config, clock, random, emit, deadLetters, acceptedMails } = parts;
  if (config.mail === null) return null;
  return await MailQueue.open({
    config: toQueueConfig(config.mail, mailDirectory(config.dataDir), await readKey(config.mail)),
    clock,
    random,
    emit,
    acceptedMails,
    bury: async ({ reason, message, sink, to, messageId, body, firstSeen }) => {
      const origin = `mail to ${to}`;
      await deadLetters.record({ stage: 'mail', reason, message, sink, publisher: 'mail', origin, messageId, body, firstSeen });
    },
  });
}

/** For `check --connect`: opens no file, only asks the servers. */
export function mailProbe(config: AgentConfig, clock: Clock): MailAcceptor | undefined {
  const { mail } = config;
  if (mail === null) return undefined;
  return {
    accept: () => Promise.reject(new Fault('fatal', 'only_probed', 'nothing is sent by a probe')),
    probe: (signal) => probeServers(toQueueConfig(mail, mailDirectory(config.dataDir), null), clock, signal),
  };
}

export function mailDirectory(dataDir: string): string {
  return join(dataDir, 'mail');
}

export function toQueueConfig(mail: MailConfig, directory: string, dkim: Dkim | null): MailQueueConfig {
  const { from, servers, caps, onUncertain, schedule, answerMs } = mail;
  return {
    directory,
    from,
    hello: mail.hello ?? nameOfThisMachine(),
    dkim,
    servers,
    caps,
    onUncertain,
    window: mail.outcomes === 'each' ? 1 : window,
    schedule,
    timeouts: { replyMs: answerMs },
  };
}

async function readKey({ dkim }: MailConfig): Promise<Dkim | null> {
  if (dkim === null) return null;
  try {
    return { domain: dkim.domain, selector: dkim.selector, privateKey: await readFile(dkim.keyFile, 'utf8') };
  } catch (error) {
    throw new Fault('fatal', 'unreadable_file', `mail.dkim: cannot read ${dkim.keyFile}`, { cause: error });
  }
}

/** Servers want a name with a dot in it. */
function nameOfThisMachine(): string {
  const name = hostname().replaceAll(/[^A-Za-z0-9.-]/g, '-');
  return name.includes('.') ? name : `${name}.localdomain`;
}
