import { dotStuffed } from '../../core/mail/dot-stuffing.ts';
import type { Clock } from '../../lib/clock.ts';
import { stableId } from '../../model/stable-hash.ts';
import { composer } from './compose.ts';
import type { MailQueueConfig } from './mail-queue.ts';
import { openSession } from './servers.ts';
import { addressIn } from './session-run.ts';
import { defaultTimeouts, SmtpSession } from './smtp-session.ts';

export interface TestResult {
  readonly server: string;
  readonly accepted: boolean;
  readonly said: string;
}

/** One mail past the queue: through the first server that takes it, or through each. */
export async function sendTest(config: MailQueueConfig, clock: Clock, to: string, each: boolean): Promise<TestResult[]> {
  const at = clock.now();
  const composed = await composer({ from: config.from, dkim: config.dkim })({
    to: [to],
    subject: 'ceilograph: a test',
    text: `This mail was asked for with \`ceilograph mail test\`. It says that mails to ${to} are taken.\n`,
    html: null,
    attachments: [],
    messageId: `<${stableId(['mail test', to, String(at)])}@${config.hello}>`,
    thread: [],
    at,
  });
  const results: TestResult[] = [];
  const setup = { clock, hello: config.hello, timeouts: { ...defaultTimeouts, ...config.timeouts } };
  for (const server of config.servers) {
    const session = await openSession(server, setup, true, new AbortController().signal);
    if (!(session instanceof SmtpSession)) {
      results.push({ server: server.name, accepted: false, said: `${session.stage}: ${session.said}` });
      continue;
    }
    const { bytes, eightBit, utf8 } = composed;
    const [result] = await session.send(
      { from: addressIn(config.from), to: [to], size: bytes.length, eightBit, utf8 },
      dotStuffed(bytes),
    );
    await session.close();
    const accepted = result?.verdict === 'ok';
    results.push({
      server: server.name,
      accepted,
      said: result === undefined ? (session.end?.said ?? '') : `${result.stage}: ${result.said}`,
    });
    if (accepted && !each) break;
  }
  return results;
}
