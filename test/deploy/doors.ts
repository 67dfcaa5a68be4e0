import { type Channel, connect } from 'amqplib';
import type { ComposeProject } from './compose-project.ts';

interface Attempt {
  readonly who: string;
  readonly vhost: string;
  readonly what: string;
  readonly act: (channel: Channel) => Promise<unknown>;
}

const attempts: readonly Attempt[] = [
  { who: 'guest', vhost: '/', what: 'comes in', act: async () => undefined },
  { who: 'raw', vhost: 'ceilograph', what: 'comes to the internal topics', act: async () => undefined },
  { who: 'raw', vhost: '/', what: 'declares a queue', act: (channel) => channel.assertQueue('mine') },
  { who: 'raw', vhost: '/', what: 'deletes a queue', act: (channel) => channel.deleteQueue('notifications.info') },
  { who: 'raw', vhost: '/', what: 'notifies', act: (channel) => published(channel, 'nova', 'notifications.info') },
  { who: 'internal', vhost: '/', what: 'comes to the notifications', act: async () => undefined },
  { who: 'internal', vhost: 'ceilograph', what: 'declares another queue', act: (channel) => channel.assertQueue('mine') },
  {
    who: 'internal',
    vhost: 'ceilograph',
    what: 'declares a queue of a cluster whose name begins alike',
    act: (channel) => channel.assertQueue('cg.ceilograph2.catalog'),
  },
  { who: 'internal', vhost: 'ceilograph', what: 'publishes past its exchange', act: (channel) => published(channel, '', 'mine') },
  { who: 'notifier', vhost: '/', what: 'reads what others notified', act: (channel) => channel.get('notifications.info') },
  { who: 'notifier', vhost: 'ceilograph', what: 'comes to the internal topics', act: async () => undefined },
];

/** Without these a wrong password would make every refusal above look right. */
const allowed: readonly Attempt[] = [
  { who: 'raw', vhost: '/', what: 'reads the notifications', act: (channel) => channel.checkQueue('notifications.info') },
  {
    who: 'internal',
    vhost: 'ceilograph',
    what: 'declares a queue of the cluster',
    act: (channel) => channel.assertQueue('cg.ceilograph.a-test', { expires: 60_000 }),
  },
  { who: 'notifier', vhost: '/', what: 'notifies', act: (channel) => published(channel, 'nova', 'notifications.info') },
];

/** What the users of the running cluster must not do, and must, tried. Returns what is otherwise. */
export async function triedDoors(
  project: ComposeProject,
): Promise<{ readonly right: number; readonly wrong: readonly string[] }> {
  const passwords: Readonly<Record<string, string>> = {
    guest: 'guest',
    raw: await project.must('exec', '-T', 'agent-1', 'cat', '/run/ceilograph/raw-password'),
    internal: await project.must('exec', '-T', 'agent-1', 'cat', '/run/ceilograph/internal-password'),
    notifier: await notifierPassword(project),
  };
  const port = (await project.must('port', 'rabbitmq', '5672')).trim();
  const can = ({ who, vhost, act }: Attempt) => {
    const user = who === 'raw' || who === 'internal' ? `ceilograph-${who}` : who;
    return couldDo(`amqp://${user}:${passwords[who]}@${port}/${encodeURIComponent(vhost)}`, act);
  };
  const wrong: string[] = [];
  for (const attempt of attempts) if (await can(attempt)) wrong.push(`${attempt.who} ${attempt.what}`);
  for (const attempt of allowed) if (!(await can(attempt))) wrong.push(`it cannot be that ${attempt.who} ${attempt.what}`);
  const redis = await project.run(['exec', '-T', 'redis', 'redis-cli', 'ping']);
  if (!redis.stdout.startsWith('NOAUTH')) wrong.push('anybody speaks to Redis');
  const others = await project.run(['exec', '-T', 'agent-1', 'ls', '/run/ceilograph']);
  if (/operator|notifier|definitions|users/.test(others.stdout)) wrong.push('an agent sees what is not for it');
  return { right: attempts.length + allowed.length + 2 - wrong.length, wrong };
}

/** A refusal closes the connection or the channel with 403, or with 530 (no such vhost for this user). */
async function couldDo(url: string, act: (channel: Channel) => Promise<unknown>): Promise<boolean> {
  try {
    const connection = await connect(url);
    connection.on('error', () => undefined); // told by what is awaited
    try {
      const channel = await connection.createChannel();
      channel.on('error', () => undefined); // told by what is awaited
      await act(channel);
      return true;
    } finally {
      await connection.close().catch(() => undefined);
    }
  } catch (error) {
    // Anything else would mean that nothing was put to the test.
    if (/403|530|ACCESS.REFUSED|NOT.ALLOWED|ConnectionClose/.test(String(error))) return false;
    throw error;
  }
}

/** A refused publishing closes the channel, and the next question with it. */
async function published(channel: Channel, exchange: string, key: string): Promise<void> {
  const closed = new Promise<never>((_, reject) => {
    channel.on('error', reject);
  });
  channel.publish(exchange, key, Buffer.from('{}'));
  await Promise.race([channel.prefetch(1), closed]);
  await Promise.race([channel.prefetch(2), closed]);
}

async function notifierPassword(project: ComposeProject): Promise<string> {
  const args = ['--rm', '--no-deps', '-T', '--entrypoint', 'cat', 'generator', '/run/ceilograph/notifier-password'];
  return project.must('run', ...args);
}
