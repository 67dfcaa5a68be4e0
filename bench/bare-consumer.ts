import { connect } from 'amqplib';
import { endTogether } from './children.ts';

// node --import tsx bench/bare-consumer.ts URL QUEUE PREFETCH COUNT: takes and acknowledges so many, cancels, and waits to be ended.
const [url = '', queue = '', prefetch = '1', count = '1'] = process.argv.slice(2);
endTogether();
const connection = await connect(url, { noDelay: true });
const channel = await connection.createChannel();
await channel.prefetch(Number(prefetch));
let left = Number(count);
const { consumerTag } = await channel.consume(queue, (message) => {
  if (message === null) return;
  channel.ack(message);
  left -= 1;
  if (left === 0) void channel.cancel(consumerTag);
});
