import { Kafka, logLevel } from 'kafkajs';
import { startProxy, type TcpProxy } from './tcp-proxy.ts';
import { kafkaBrokers, kafkaCuttable } from './with-services.ts';

export interface Stored {
  readonly partition: number;
  readonly key: string | null;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function client(): Promise<Kafka> {
  return new Kafka({ brokers: [...(await kafkaBrokers())], clientId: 'test', logLevel: logLevel.NOTHING });
}

async function asAdmin<T>(act: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const admin = (await client()).admin();
  await admin.connect();
  try {
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
}

export async function createTopic(topic: string, numPartitions = 1): Promise<void> {
  await asAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true }));
}

export async function deleteTopic(topic: string): Promise<void> {
  await asAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
}

export async function produce(topic: string, values: readonly string[]): Promise<void> {
  const producer = (await client()).producer({ createPartitioner: () => () => 0 });
  await producer.connect();
  await producer.send({ topic, messages: values.map((value) => ({ value })) });
  await producer.disconnect();
}

/** The offset at which a member of the group would begin; 0 when none was committed. */
export async function committedOffset(groupId: string, topic: string): Promise<number> {
  const [found] = await asAdmin((admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
  return Math.max(0, Number(found?.partitions[0]?.offset ?? 0));
}

async function endOffsets(topic: string): Promise<ReadonlyMap<number, number>> {
  const offsets = await asAdmin((admin) => admin.fetchTopicOffsets(topic));
  return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
}

/** Everything in the topic, in the order of each partition. */
export async function messagesOf(topic: string): Promise<readonly Stored[]> {
  const ends = await endOffsets(topic);
  let left = [...ends.values()].reduce((sum, end) => sum + end, 0);
  if (left === 0) return [];
  const consumer = (await client()).consumer({ groupId: `reader-${Math.random()}`, maxWaitTimeInMs: 50 });
  const stored: Stored[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({
      partition,
      message,
    }: Parameters<NonNullable<Parameters<typeof consumer.run>[0]>['eachMessage'] & object>[0]) => {
      const headers = Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]));
      stored.push({ partition, key: message.key?.toString() ?? null, value: message.value?.toString() ?? '', headers });
      left -= 1;
      if (left === 0) resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  return stored;
}

/** The broker as it is seen through a wire that can be cut; one at a time, for the broker itself says where the wire begins. */
export async function throughProxy(): Promise<{ readonly proxy: TcpProxy; readonly broker: string }> {
  const [behind = '', broker = ''] = (await kafkaCuttable()).split('=');
  const target = new URL(`tcp://${behind}`);
  for (;;) {
    try {
      const port = Number(new URL(`tcp://${broker}`).port);
      return { proxy: await startProxy({ host: target.hostname, port: Number(target.port) }, port), broker };
    } catch (error) {
      // Another test file stands there.
      if ((error as { code?: unknown }).code !== 'EADDRINUSE') throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Gone when this resolves. */
export async function deleteTopicsOf(prefix: string): Promise<void> {
  await asAdmin(async (admin) => {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
    if (topics.length > 0) await admin.deleteTopics({ topics });
    while ((await admin.listTopics()).some((topic) => topic.startsWith(prefix)))
      await new Promise((resolve) => setTimeout(resolve, 20));
  });
}
