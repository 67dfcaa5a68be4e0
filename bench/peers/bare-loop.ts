import { type ConsumeMessage, connect } from 'amqplib';
import { endTogether } from '../children.ts';
import { job, jobSample } from './job.ts';

/**
 * The job by hand: amqplib, a hundred samples per message, one acknowledgement for all notifications of a message once it is confirmed. No
 * configuration, no metrics, no dead letters, no bounds: what a program that does more is measured by.
 *
 *     node --import tsx bench/peers/bare-loop.ts URL
 */
endTogether();
const connection = await connect(process.argv[2] ?? '', { noDelay: true });
const input = await connection.createChannel();
const output = await connection.createConfirmChannel();
await input.prefetch(job.prefetch);
const lingerMs = 20;
let samples: object[] = [];
let last: ConsumeMessage | null = null;
let taken = 0;
let timer: NodeJS.Timeout | null = null;

/** Confirms come in the order of the messages on a channel, so each acknowledges all before it. */
function flush(): void {
  if (timer !== null) clearTimeout(timer);
  timer = null;
  const upTo = last;
  const done = () => upTo !== null && input.ack(upTo, true);
  const body = Buffer.from(JSON.stringify(samples));
  const empty = samples.length === 0;
  samples = [];
  last = null;
  taken = 0;
  if (empty) done();
  else {
    const options = { persistent: true, contentType: 'application/json' };
    output.publish(job.outExchange, job.outQueue, body, options, (error) => {
      if (error) throw error;
      done();
    });
  }
}

await input.consume(job.queue, (message) => {
  if (message === null) return;
  const sample = jobSample(message.content);
  if (sample !== null) samples.push(sample);
  last = message;
  taken += 1;
  if (samples.length >= job.perMessage || taken >= job.prefetch / 2) flush();
  else timer ??= setTimeout(flush, lingerMs);
});
