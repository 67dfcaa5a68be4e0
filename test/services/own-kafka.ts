import { execFile, spawn } from 'node:child_process';
import { readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';

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

const script = fileURLToPath(new URL('./services.sh', import.meta.url));
const run = promisify(execFile);

/** From here on the helpers of `kafka.ts` mean this one too. */
export async function startOwnKafka(): Promise<OwnKafka> {
  const { KAFKA_BROKERS: _, ...env } = process.env;
  const { stdout } = await run(script, ['start', 'kafka'], { env });
  const exported = new Map([...stdout.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name ?? '', value ?? '']));
  const need = (name: string) => {
    const value = exported.get(name);
    if (value === undefined) throw new Error(`services.sh did not say ${name}: ${stdout}`);
    return value;
  };
  const folder = join(need('SERVICES_DIR'), 'kafka');
  const broker = need('KAFKA_BROKERS');
  for (const name of ['KAFKA_BROKERS', 'KAFKA_CUTTABLE', 'KAFKA_SECURE', 'KAFKA_CA']) process.env[name] = need(name);
  const pidFile = join(folder, 'main.pid');
  let pid = Number(await readFile(pidFile, 'utf8'));
  const [command = '', ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').filter((part) => part !== '');
  return {
    broker,
    async kill() {
      process.kill(-pid, 'SIGKILL');
      while ((await readlink(`/proc/${pid}/cwd`).catch(() => '')) !== '') await pause(5);
    },
    signal: (signal) => void process.kill(-pid, signal),
    async launch() {
      const child = spawn(command, args, { cwd: folder, detached: true, stdio: 'ignore' });
      child.unref();
      pid = child.pid ?? 0;
      await writeFile(pidFile, String(pid));
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
    async dispose() {
      await run(script, ['stop', need('SERVICES_DIR')]);
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
