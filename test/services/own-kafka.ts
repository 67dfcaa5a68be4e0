import { spawn } from 'node:child_process';
import { Kafka, logLevel } from 'kafkajs';
import { pause } from '../faults/until.ts';
import { startOwn } from './own-service.ts';

/** A Kafka of this test file alone, to be killed and started again. */
export interface OwnKafka {
  readonly broker: string;
  /** SIGKILL; it is gone when this resolves. */
  kill(): Promise<void>;
  /** SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void;
  /** On the same data; returns at once. */
  launch(): Promise<void>;
  /** Until it takes connections and leads what it has. */
  ready(): Promise<void>;
  /** With its data. */
  dispose(): Promise<void>;
}

/** From here on the helpers of `kafka.ts` mean this one too. */
export async function startOwnKafka(): Promise<OwnKafka> {
  const { KAFKA_BROKERS: _, ...env } = process.env;
  const service = await startOwn('kafka', env);
  const broker = service.need('KAFKA_BROKERS');
  for (const name of ['KAFKA_BROKERS', 'KAFKA_CUTTABLE', 'KAFKA_SECURE', 'KAFKA_CA']) process.env[name] = service.need(name);
  const [command = '', ...args] = service.commandLine;
  return {
    broker,
    kill: service.kill,
    signal: (signal) => void process.kill(-service.pid(), signal),
    async launch() {
      const child = spawn(command, args, { cwd: service.folder, detached: true, stdio: 'ignore' });
      child.unref();
      await service.replaced(child.pid);
    },
    async ready() {
      const end = performance.now() + 60_000;
      for (;;) {
        const admin = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
        try {
          await admin.connect();
          for (const topic of await admin.listTopics()) await admin.fetchTopicOffsets(topic);
          return;
        } catch (error) {
          if (performance.now() > end) throw error;
          await pause(100);
        } finally {
          await admin.disconnect();
        }
      }
    },
    dispose: service.dispose,
  };
}
