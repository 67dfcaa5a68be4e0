import { createReadStream } from 'node:fs';
import type { Outgoing } from '../inputs/amqp/sender.ts';
import { readSecret } from '../inputs/configured-file.ts';
import type { SourceLine } from '../inputs/file/line-source.ts';
import { StreamSource } from '../inputs/file/stream-source.ts';
import { systemClock } from '../lib/clock.ts';
import { linkedAbort } from '../lib/linked-abort.ts';
import { retryLoop } from '../lib/retry-loop.ts';
import { classify, Fault } from '../model/faults.ts';
import { priorities } from '../model/notification.ts';
import { CliFailure } from './failure.ts';
import { Progress } from './progress.ts';

export interface SendOptions {
  readonly to: string;
  readonly rate?: number;
  readonly batch: number;
  readonly tokenFile?: string;
  readonly timeout: number;
  readonly json?: true;
  /** Whoever shall get them takes no other; a line that has another one is told and counted. */
  readonly priorities?: readonly string[];
}

/** Sends a batch until all of it is confirmed; throws a Fault when that is hopeless. */
interface Sender {
  send(batch: readonly Outgoing[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

interface Counts {
  sent: number;
  bad: number;
}

const maxLineBytes = 16 * 1024 * 1024;
const backoff = { baseMs: 250, capMs: 10_000 };

/** Resolves once all is confirmed. Throws a `CliFailure` when something could not be sent, and says what was, either way. */
export async function sendFile(file: string, options: SendOptions): Promise<void> {
  const sender = await openSender(options);
  const stream = file === '-' ? process.stdin : createReadStream(file);
  const source = new StreamSource(stream, maxLineBytes);
  const stop = new AbortController();
  const onInterrupt = () => stop.abort(new CliFailure('interrupted'));
  process.once('SIGINT', onInterrupt);
  const counts: Counts = { sent: 0, bad: 0 };
  const progress = new Progress(file === '-' ? null : file, process.stderr);
  const startedAt = performance.now();
  let failure: unknown;
  try {
    await sendAll(source, sender, options, counts, progress, stop.signal);
  } catch (thrown) {
    failure = thrown;
  } finally {
    process.off('SIGINT', onInterrupt);
    progress.end();
    stream.destroy();
    await sender.close();
  }
  tell(options, counts, (performance.now() - startedAt) / 1000);
  if (failure !== undefined) throw toFailure(failure);
  if (counts.bad > 0) throw new CliFailure(`${counts.bad} lines were not sent`);
}

async function sendAll(
  source: StreamSource,
  sender: Sender,
  options: SendOptions,
  counts: Counts,
  progress: Progress,
  stop: AbortSignal,
): Promise<void> {
  const { rate, timeout } = options;
  // With a slow rate the batch is what is due in a tenth of a second, so that the pace is even.
  const most = rate === undefined ? options.batch : Math.min(options.batch, Math.max(1, Math.round(rate / 10)));
  const startedAt = systemClock.monotonic();
  for (let lines = await source.read(stop); lines.length > 0; lines = await source.read(stop)) {
    const batch = lines.flatMap((line) => toOutgoing(line, options, counts));
    for (let start = 0; start < batch.length; start += most) {
      const part = batch.slice(start, start + most);
      // Not `AbortSignal.any`: Node 20 forgets a timeout that only such a signal knows of, and we would wait for ever.
      const inTime = linkedAbort(stop, AbortSignal.timeout(timeout * 1000));
      await sender.send(part, inTime.signal).finally(() => inTime.release());
      counts.sent += part.length;
      for (const { text } of part) progress.add(Buffer.byteLength(text) + 1);
      if (rate !== undefined) await systemClock.sleep(startedAt + (counts.sent / rate) * 1000 - systemClock.monotonic(), stop);
    }
  }
}

async function openSender(options: SendOptions): Promise<Sender> {
  const url = parseUrl(options.to);
  if (url.protocol === 'amqp:' || url.protocol === 'amqps:') {
    const { AmqpSender } = await import('../inputs/amqp/sender.ts');
    const sender = new AmqpSender(url, systemClock);
    return {
      send: (batch, signal) => persist(signal, () => sender.send(batch, signal)),
      close: () => sender.close(),
    };
  }
  const { HttpSender } = await import('../inputs/http/sender.ts');
  const token = options.tokenFile === undefined ? undefined : await readSecret(options.tokenFile, undefined);
  const sender = new HttpSender(url, token);
  return {
    async send(batch, signal) {
      let left: readonly string[] = batch.map((outgoing) => outgoing.text);
      await persist(signal, async () => {
        const answer = await sender.send(left, signal);
        left = answer.left;
        if (left.length > 0)
          throw new Fault('retryable', 'http_status', 'the server has no room', { retryAfterMs: answer.afterMs });
      });
    },
    async close() {},
  };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && ['amqp:', 'amqps:', 'http:', 'https:'].includes(url.protocol)) return url;
  throw new CliFailure('--to takes an amqp://, amqps://, http:// or https:// URL', 2);
}

function persist(signal: AbortSignal, attempt: () => Promise<void>): Promise<void> {
  const retryable = (thrown: unknown) => {
    const fault = classify(thrown);
    return fault.class === 'retryable' ? (fault.retryAfterMs ?? 0) : undefined;
  };
  const onRetry = (thrown: unknown, _attempt: number, retryInMs: number) =>
    process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}; again in ${retryInMs} ms\n`);
  return retryLoop({ ...backoff, clock: systemClock, random: Math.random, signal, retryable, onRetry }, attempt);
}

/** Reads only what routing needs; the text itself goes out as it came. A line that is no JSON object, or that nobody would take, is told and counted. */
function toOutgoing(line: SourceLine, { priorities: taken }: SendOptions, counts: Counts): Outgoing[] {
  const text = Buffer.from(line.body).toString();
  try {
    const message = objectOf(text);
    const inner = message['oslo.message'];
    const notification = typeof inner === 'string' ? objectOf(inner) : message;
    const priority = priorityOf(notification);
    if (taken?.includes(priority) === false)
      throw new Error(`its priority is ${priority}, and taken is only ${taken.join(', ')}`);
    return [{ text, enveloped: typeof inner === 'string', priority }];
  } catch (thrown) {
    counts.bad += 1;
    process.stderr.write(`line ${line.number}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    return [];
  }
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not a JSON object');
  return value as Readonly<Record<string, unknown>>;
}

function priorityOf(notification: Readonly<Record<string, unknown>>): string {
  const given = String(notification['priority'] ?? 'info').toLowerCase();
  return priorities.find((priority) => priority === given) ?? 'info';
}

function tell(options: SendOptions, counts: Counts, seconds: number): void {
  const perSecond = Math.round(counts.sent / Math.max(seconds, 0.001));
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ...counts, seconds: Number(seconds.toFixed(3)), per_second: perSecond })}\n`);
    return;
  }
  process.stderr.write(`${counts.sent} sent and confirmed in ${seconds.toFixed(1)} s (${perSecond}/s)\n`);
}

function toFailure(thrown: unknown): unknown {
  if (thrown instanceof CliFailure) return thrown;
  if (thrown instanceof DOMException && thrown.name === 'TimeoutError') return new CliFailure('gave up: not confirmed in time');
  const fault = classify(thrown);
  if (fault.code === 'unexpected' && (fault.cause as NodeJS.ErrnoException).code !== 'ENOENT') return thrown;
  return new CliFailure(fault.message);
}
